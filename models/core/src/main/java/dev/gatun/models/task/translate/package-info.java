/**
 * Texts to texts: tokenizers of the token models, the threads that generate, and the translator of dates that ships with Gatun.
 * Imports {@code transformer}, {@code generation} and {@code weights}.
 */
package dev.gatun.models.task.translate;
