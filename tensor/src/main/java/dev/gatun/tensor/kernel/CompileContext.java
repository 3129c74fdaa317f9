package dev.gatun.tensor.kernel;

import java.lang.foreign.Arena;

/**
 * Where a plan is being compiled.
 *
 * @param arena   owns what is compiled; shared, closed with the model
 * @param threads threads that will execute one operation; the compiling thread's count is set to it
 */
public record CompileContext(Arena arena, int threads) {
}
