/**
 * The lists of families that tasks choose from. Imports families and {@code checkpoint}; imported by tasks. A new text encoder is one line
 * in {@link dev.gatun.models.registry.Encoders}.
 */
package dev.gatun.models.registry;
