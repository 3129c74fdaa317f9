# Benchmarks. Included by the Makefile at the top.

# ISA=avx2 limits oneDNN and libgatun to what it names, as on a machine that has no more: baseline, avx2 or avx512.
JAVA_BENCH := $(if $(ISA),GATUN_ISA=$(ISA) )java --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector
BENCH := $(JAVA_BENCH) -jar bench/target/bench.jar

bench/target/bench.jar: $(GATUN_JAR) $(shell find bench/src/main -type f) bench/pom.xml
	$(MAVEN) -pl native,bindings,tensor,models,models/core,models/cli,bench -DskipTests package
	@touch $@

# The C++ side of the ffm suite.
bench-chain: native
	$(MAKE) -C native PLATFORM=$(PLATFORM) MVN="$(MVN)" bench-chain

# All suites against their peers, then JMH with its count of allocated bytes. FILTER=gemm runs what has gemm in its name.
bench: bench/target/bench.jar model bench-chain
	$(BENCH) --filter "$(FILTER)" --json bench/target/bench.json --html bench/target/bench.html
	$(JAVA_BENCH) -cp bench/target/bench.jar org.openjdk.jmh.Main -prof gc -rf json -rff bench/target/jmh.json

bench-quick: bench/target/bench.jar model bench-chain
	$(BENCH) --quick --filter "$(FILTER)" --json bench/target/bench-quick.json --html bench/target/bench-quick.html

bench-compare: bench/target/bench.jar model bench-chain
	@test -n "$(BASE)" || { echo "which run to compare with? make bench-compare BASE=old.json"; exit 2; }
	@test -r "$(BASE)" || { echo "no file $(BASE): make bench-quick stores a run in bench/target/bench-quick.json; copy it and name the copy"; exit 2; }
	$(BENCH) --quick --filter "$(FILTER)" --compare "$(BASE)"

.PHONY: bench-chain
