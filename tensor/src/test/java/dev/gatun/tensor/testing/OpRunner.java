package dev.gatun.tensor.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.onednn.Stream;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.kernel.Binding;
import dev.gatun.tensor.kernel.CompileContext;
import dev.gatun.tensor.kernel.CompiledOp;
import dev.gatun.tensor.kernel.CompiledOp.Sharing;
import dev.gatun.tensor.kernel.Compiler;
import dev.gatun.tensor.kernel.Step;
import dev.gatun.tensor.op.Op;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs one operation between guard pages: operands, result and scratchpad end at one, then begin at one, and hold NaN where nothing was
 * written. Both runs, the second over the operand's memory where the operation allows it, give the same bits.
 */
public final class OpRunner {
    private OpRunner() {
    }

    /** The result of an operation over inputs. */
    public static Tensor run(Arena arena, Op op, Tensor... inputs) {
        return run(arena, 1, op, inputs);
    }

    /** The same with several threads. */
    public static Tensor run(Arena arena, int threads, Op op, Tensor... inputs) {
        int before = Kernels.maxThreads();
        Kernels.setThreads(threads);
        try (Arena plans = Arena.ofShared()) {
            CompiledOp compiled = Compiler.compile(op, new CompileContext(plans, threads),
                    Arrays.stream(inputs).map(Tensor::desc).toList());
            Tensor result = Tensor.allocate(arena, compiled.dst());
            execute(compiled, true, result, inputs);
            Tensor again = Tensor.allocate(plans, compiled.dst());
            execute(compiled, false, again, inputs);
            assertEquals(-1, result.segment().mismatch(again.segment()), () -> op + ": byte that differs where memory is placed otherwise");
            return result;
        } finally {
            Kernels.setThreads(before);
        }
    }

    private static void execute(CompiledOp compiled, boolean atEnd, Tensor result, Tensor... inputs) {
        try (GuardedArena memory = new GuardedArena(atEnd)) {
            List<Tensor> operands = new ArrayList<>();
            for (Tensor input : inputs) {
                operands.add(Tensor.of(input.desc(), memory.used(input.desc().byteSize())));
            }
            Sharing sharing = compiled.sharing();
            boolean shares = switch (sharing.kind()) {
                case NONE -> false;
                case MAY_OVERWRITE -> !atEnd && compiled.dst().byteSize() <= inputs[sharing.input()].desc().byteSize();
                case MUST_OVERWRITE, VIEW -> true;
            };
            MemorySegment dst = shares ? operands.get(sharing.input()).segment() : memory.used(compiled.dst().byteSize());
            // Blocks are a cache line's multiple, as in a context.
            long scratch = (compiled.scratchpadByteSize() + Tensor.ALIGNMENT - 1) / Tensor.ALIGNMENT * Tensor.ALIGNMENT;
            List<Tensor> results = new ArrayList<>(List.of(Tensor.of(compiled.dst(), dst)));
            compiled.results().stream().skip(1).forEach(desc -> results.add(Tensor.of(desc, memory.used(desc.byteSize()))));
            Step step = compiled.bind(new Binding(memory, Stream.create(memory), operands, results,
                    memory.used(scratch)));
            for (int i = 0; i < 2; i++) {
                for (int j = 0; j < inputs.length; j++) {
                    operands.get(j).segment().copyFrom(inputs[j].segment());
                }
                step.execute();
            }
            result.segment().copyFrom(dst.asSlice(0, compiled.dst().byteSize()));
        }
    }
}
