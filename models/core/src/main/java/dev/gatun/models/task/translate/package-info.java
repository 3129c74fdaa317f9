/**
 * Texts to texts: tokenizers of the token models, the threads that generate, and the translator of dates that ships with Gatun.
 * Imports {@code family.transformer}, {@code generate}, {@code runtime} and {@code checkpoint}.
 */
package dev.gatun.models.task.translate;
