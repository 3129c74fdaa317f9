#!/bin/sh
# Collects the libraries of one platform in the folder that becomes the jar, and writes their
# list: load order, SHA-256, versions. Called by the Makefile.
set -eu
unpacked=$1 built=$2 stage=$3 onednn=$4 openblas=$5
here=$(dirname "$0")
dnnl=$unpacked/org/bytedeco/dnnl/$PLATFORM
blas=$unpacked/org/bytedeco/openblas/$PLATFORM

rm -rf "$stage"
mkdir -p "$stage/licenses"
# oneDNN asks libgatun for its threads instead of libgomp: the name of the library that it needs is replaced by one as long.
LC_ALL=C sed 's/libgomp\.so\.1/libgatun.so\x0/' "$dnnl/libdnnl.so.3" > "$stage/libdnnl.so.3"
cp "$blas/libopenblas.so.0" "$blas/libgfortran.so.5" "$blas/libquadmath.so.0" "$blas/libgcc_s.so.1" "$stage"
cp "$built/libgatun.so" "$stage"
cp "$here"/licenses/* "$stage/licenses"

{
    echo "# name -> file; every file with its SHA-256. Written by native/stage.sh."
    echo "onednn.version=${onednn%%-*}"
    echo "openblas.version=${openblas%%-*}"
    echo "library.gatun=libgatun.so"
    echo "library.dnnl=libdnnl.so.3"
    echo "library.openblas=libopenblas.so.0"
    # Unpacked when something asks for it.
    echo "with.openblas=libopenblas.so.0 libgfortran.so.5 libquadmath.so.0"
    for file in "$stage"/lib*.so*; do
        echo "sha256.$(basename "$file")=$(sha256sum "$file" | cut -d' ' -f1)"
    done
} > "$stage/libraries.properties"
