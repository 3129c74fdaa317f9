/**
 * Thin owners of oneDNN's objects: each lives as long as the {@link java.lang.foreign.Arena} it was
 * made in, and a status code that is not success becomes a {@link OneDnnException}. Imports the
 * loader and the generated code only. A new primitive is one factory in {@code PrimitiveDesc}.
 */
package dev.gatun.bindings.onednn;
