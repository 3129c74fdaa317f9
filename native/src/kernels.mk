# Builds $(OUT)/libgatun.so. Given: HERE, OUT, UNPACKED, INCLUDE.
# One translation unit for each instruction set; which one runs is decided on the machine that runs it.

CXX ?= g++
GATUN_CXXFLAGS := -O3 -std=c++17 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -fno-math-errno -ffp-contract=fast -Wall -Wextra
# CRC-32 is the first half of what gzip writes last.
GATUN_CXXFLAGS += -DGATUN_HEADER_CHECKSUM=$(shell gzip -c $(HERE)/include/gatun.h | tail -c 8 | head -c 4 | od -An -tu4 | tr -d ' ')
GATUN_SETS := baseline $(if $(findstring x86_64,$(PLATFORM)),avx2 avx512)
GATUN_OBJECTS := $(OUT)/gatun.o $(OUT)/threads.o $(OUT)/packing.o $(OUT)/narrow.o $(OUT)/byte_filters.o $(OUT)/limits.o $(OUT)/recurrent.o $(OUT)/layouts.o $(GATUN_SETS:%=$(OUT)/kernels_%.o)
GATUN_FLAGS_avx2 := -mavx2 -mfma -mf16c
GATUN_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512

$(OUT)/%.o: $(HERE)/src/%.cpp $(wildcard $(HERE)/src/*.h) $(HERE)/include/gatun.h $(HERE)/src/kernels.mk
	@mkdir -p $(OUT)
	$(CXX) $(GATUN_CXXFLAGS) $(GATUN_FLAGS_$(subst kernels_,,$*)) -c -o $@ $<

$(OUT)/layouts.inc: $(HERE)/include/gatun.h $(HERE)/src/layouts.awk
	@mkdir -p $(OUT)
	awk -f $(HERE)/src/layouts.awk $< > $@

$(OUT)/layouts.o: GATUN_CXXFLAGS += -I$(OUT)
$(OUT)/layouts.o: $(OUT)/layouts.inc

# -nodefaultlibs keeps the compiler's libgomp out of it: src/threads.cpp has what is needed, for oneDNN too. Its threads live as long as
# the process, so the library is never unloaded.
$(OUT)/libgatun.so: $(GATUN_OBJECTS) $(HERE)/src/threads.map
	$(CXX) -shared -o $@ $(GATUN_OBJECTS) -Wl,-soname,libgatun.so -Wl,--version-script,$(HERE)/src/threads.map -Wl,-Bsymbolic \
	    -Wl,-z,nodelete -Wl,--no-undefined -nodefaultlibs -lm -lpthread -lc -lgcc

# libgatun's own tests: every kernel, with every instruction set of this machine, against plain loops.
$(OUT)/check: $(wildcard $(HERE)/test/*) $(HERE)/include/gatun.h $(OUT)/libgatun.so
	$(CXX) -std=c++17 -O1 -Wall -Wextra -pthread -o $@ $(wildcard $(HERE)/test/*.cpp) $(OUT)/libgatun.so -Wl,-rpath,'$$ORIGIN'

check: $(OUT)/check
	$(RUN) $(OUT)/check

# The same of another processor under an emulator: Debian's g++-aarch64-linux-gnu and qemu-user.
check-arm64:
	$(MAKE) -C $(HERE) check PLATFORM=linux-arm64 CXX=aarch64-linux-gnu-g++ RUN='qemu-aarch64 -L /usr/aarch64-linux-gnu'

# The same without optimization's liberties, watched by the compiler's sanitizers.
SANITIZED := $(OUT)/sanitized
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -g -O1

$(SANITIZED)/%.o: $(HERE)/src/%.cpp $(wildcard $(HERE)/src/*.h) $(HERE)/include/gatun.h $(HERE)/src/kernels.mk
	@mkdir -p $(SANITIZED)
	$(CXX) $(filter-out -O3,$(GATUN_CXXFLAGS)) $(SANITIZERS) $(GATUN_FLAGS_$(subst kernels_,,$*)) -c -o $@ $<

$(SANITIZED)/layouts.o: GATUN_CXXFLAGS += -I$(OUT)
$(SANITIZED)/layouts.o: $(OUT)/layouts.inc

$(SANITIZED)/check: $(GATUN_OBJECTS:$(OUT)/%=$(SANITIZED)/%) $(wildcard $(HERE)/test/*)
	$(CXX) -std=c++17 $(SANITIZERS) -Wall -Wextra -pthread -o $@ $(filter %.o %.cpp,$^)

check-sanitized: $(SANITIZED)/check
	ASAN_OPTIONS=detect_leaks=1 $(SANITIZED)/check

.PHONY: check check-arm64 check-sanitized

# The C++ side of the ffm benchmark.
$(TARGET)/bench-chain: $(HERE)/bench-chain.cpp $(STAGE)/libraries.properties $(INCLUDE)/done
	$(CXX) -std=c++17 -O2 -Wall -Wextra -I$(INCLUDE)/onednn -I$(HERE)/include -o $@ $< $(STAGE)/libgatun.so $(STAGE)/libdnnl.so.3 \
	    -Wl,--disable-new-dtags,-rpath,$(STAGE)

bench-chain: $(TARGET)/bench-chain

.PHONY: bench-chain
