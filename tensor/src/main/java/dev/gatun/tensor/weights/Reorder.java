package dev.gatun.tensor.weights;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.Memory;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.Primitive;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.bindings.onednn.Stream;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Copies constants into the layout that a kernel wants, once, when a model is loaded.
 */
public final class Reorder {
    private Reorder() {
    }

    /**
     * Copies now.
     *
     * @param dst where to, at least {@code dstDesc.byteSize()} bytes
     */
    public static void run(MemoryDesc srcDesc, MemorySegment src, MemoryDesc dstDesc, MemorySegment dst) {
        try (Arena arena = Arena.ofConfined()) {
            PrimitiveDesc desc = PrimitiveDesc.reorder(arena, srcDesc, dstDesc, Attributes.create(arena));
            Args args = new Args()
                    .with(Args.SRC, Memory.of(arena, srcDesc, src))
                    .with(Args.DST, Memory.of(arena, dstDesc, dst));
            MemoryDesc scratchpad = desc.scratchpad(arena);
            if (scratchpad.byteSize() > 0) {
                args.with(Args.SCRATCHPAD, Memory.of(arena, scratchpad, arena.allocate(scratchpad.byteSize(), Tensor.ALIGNMENT)));
            }
            Primitive.create(arena, desc).bind(arena, Stream.create(arena), args).run();
        }
    }
}
