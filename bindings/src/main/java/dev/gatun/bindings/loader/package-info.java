/**
 * Finds, unpacks, verifies and loads the native libraries. Imports nothing of Gatun. A new library
 * is one line in {@code native/stage.sh}; a new platform one jar (see {@code native/BUILDING.md}).
 */
package dev.gatun.bindings.loader;
