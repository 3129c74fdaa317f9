# Benchmarks. Included by the Makefile at the top.

BENCH := java --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector -jar bench/target/bench.jar

bench/target/bench.jar: $(GATUN_JAR) $(shell find bench/src/main -type f) bench/pom.xml
	$(MAVEN) -pl native,bindings,tensor,models,bench -DskipTests package
	@touch $@

bench: bench/target/bench.jar model
	$(BENCH) --filter "$(FILTER)" --json bench/target/bench.json

bench-quick: bench/target/bench.jar model
	$(BENCH) --quick --filter "$(FILTER)" --json bench/target/bench-quick.json

bench-compare: bench/target/bench.jar model
	@test -n "$(BASE)" || { echo "which run to compare with? make bench-compare BASE=old.json"; exit 2; }
	$(BENCH) --quick --filter "$(FILTER)" --compare "$(BASE)"
