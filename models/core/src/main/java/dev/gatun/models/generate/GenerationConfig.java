package dev.gatun.models.generate;
/** Soon. */
public final class GenerationConfig { private GenerationConfig() { } }
