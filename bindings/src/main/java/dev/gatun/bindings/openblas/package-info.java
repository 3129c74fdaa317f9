/**
 * OpenBLAS: the product of single-precision matrices. Imports the loader and the generated code only.
 */
package dev.gatun.bindings.openblas;
