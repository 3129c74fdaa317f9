/**
 * Whisper (Radford et al. 2022), tiny to large-v3 and turbo, by transformers' names. Imports {@code layer}, {@code generate},
 * {@code runtime}, {@code audio} and {@code checkpoint}.
 */
package dev.gatun.models.family.whisper;
