#!/bin/sh
# Regenerates dev.gatun.bindings.*.gen from the staged headers. `make bindings` calls it.
# Needs a jextract for JDK 25 on PATH (JEXTRACT names another); README.md here tells its traps.
set -eu
cd "$(dirname "$0")"
JEXTRACT=${JEXTRACT:-jextract}
PLATFORM=${PLATFORM:-linux-x86_64}
INCLUDE=$(cd ../../native && pwd)/target/include/$PLATFORM
OUT=${OUT:-$(cd .. && pwd)/src/main/java}

command -v "$JEXTRACT" >/dev/null || {
    echo "make bindings needs jextract (for JDK 25) on PATH; the generated code is committed, so only a change of symbols needs it" >&2
    exit 1
}
[ -d "$INCLUDE" ] || { echo "no headers in $INCLUDE: run make native first" >&2; exit 1; }

generate() { # name, header, class, library
    name=$1 header=$2 class=$3 library=$4
    package=dev.gatun.bindings.$name.gen
    folder=$OUT/dev/gatun/bindings/$name/gen
    options=$(mktemp)
    grep -v '^#' "$name.symbols" | grep . > "$options"
    rm -rf "$folder"
    "$JEXTRACT" --output "$OUT" -t "$package" --header-class-name "$class" -I "$INCLUDE/$name" @"$options" "$INCLUDE/$name/$header"
    rm -f "$options"
    # The libraries are found by our loader, in any class loader, not by System.loadLibrary.
    sed -i "s|SymbolLookup.loaderLookup()|dev.gatun.bindings.loader.NativeLibraries.lookup(\"$library\")|" "$folder"/*.java
    # A struct without a name would be called by its line in the header.
    find "$folder" -name '*.java' -exec sed -i 's/[[:space:]]*$//; s/"$anon$[0-9:]*"/"$anon"/' {} +
}

generate onednn oneapi/dnnl/dnnl.h OneDnnC dnnl
generate openblas cblas.h OpenBlasC openblas
generate kernels gatun.h GatunC gatun
