package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Where results lie: blocks that are used again once nobody needs what is in them, within a stated limit. One thread.
 * Belongs to a session, or to a model while its constants are folded.
 */
final class Memory implements AutoCloseable {
    private static final long SMALLEST = 64;

    /** A piece of memory and how many named values show it. */
    static final class Block {
        private final MemorySegment segment;
        private final ArrayDeque<Block> home;
        private int uses;
        private boolean free;

        private Block(MemorySegment segment, ArrayDeque<Block> home) {
            this.segment = segment;
            this.home = home;
        }
    }

    private final CountedArena arena = new CountedArena("values of ONNX files");
    private final long limit;
    private final Map<Long, ArrayDeque<Block>> free = new HashMap<>();
    private final List<Block> all = new ArrayList<>();
    private long bytes;
    private Elements elements;

    Memory(long limit) {
        this.limit = limit;
    }

    /** A tensor with undefined content. */
    OnnxTensor make(OnnxType type, long... dims) {
        Shape shape = Shape.of(dims);
        long size = Math.multiplyExact(shape.elementCount(), type.byteSize());
        Block block = block(size);
        return new OnnxTensor(type, shape, block.segment.asSlice(0, size), null, block);
    }

    /** Where kernels read some elements at a time. */
    Elements elements() {
        if (elements == null) {
            elements = new Elements();
        }
        return elements;
    }

    private Block block(long size) {
        if (size > limit) {
            throw tooLarge(size);
        }
        long rounded = round(Math.max(size, SMALLEST));
        ArrayDeque<Block> same = free.computeIfAbsent(rounded, s -> new ArrayDeque<>());
        Block block = same.pollLast();
        if (block == null) {
            if (bytes + rounded > limit) {
                throw tooLarge(size);
            }
            block = new Block(NativeBuffer.allocate(arena, rounded).segment(), same);
            bytes += rounded;
            all.add(block);
        }
        block.free = false;
        block.uses = 0;
        return block;
    }

    /** Four sizes between powers of two, so that results of similar sizes share blocks. */
    private static long round(long size) {
        long step = Math.max(SMALLEST, Long.highestOneBit(size - 1 | 1) >>> 2);
        return (size + step - 1) / step * step;
    }

    private IllegalStateException tooLarge(long size) {
        return new IllegalStateException(size + " bytes more would exceed the session's limit of " + limit + " bytes, of which " + bytes
                + " are held (OnnxOptions.memoryLimit)");
    }

    /** A named value shows this memory. */
    static void retain(OnnxValue value) {
        each(value, block -> block.uses++);
    }

    /** A name is gone, but the memory goes on to another holder. */
    static void forget(OnnxValue value) {
        each(value, block -> block.uses--);
    }

    /** A named value is not needed any more. */
    void release(OnnxValue value) {
        if (value instanceof OnnxTensor tensor && tensor.block == null) {
            return;
        }
        each(value, block -> {
            if (--block.uses == 0) {
                giveBack(block);
            }
        });
    }

    /** A temporary result that has no name. */
    void drop(OnnxValue value) {
        each(value, block -> {
            if (block.uses == 0) {
                giveBack(block);
            }
        });
    }

    private static void each(OnnxValue value, Consumer<Block> what) {
        switch (value) {
            case OnnxTensor tensor -> {
                if (tensor.block != null) {
                    what.accept(tensor.block);
                }
            }
            case OnnxValue.Sequence sequence -> sequence.values().forEach(v -> each(v, what));
            case OnnxValue.Optional optional -> {
                if (optional.value() != null) {
                    each(optional.value(), what);
                }
            }
        }
    }

    private void giveBack(Block block) {
        if (!block.free) {
            block.free = true;
            block.home.add(block);
        }
    }

    /** Everything is free. */
    void reset() {
        for (int i = 0; i < all.size(); i++) {
            all.get(i).uses = 0;
            giveBack(all.get(i));
        }
    }

    long byteSize() {
        return arena.byteSize();
    }

    @Override
    public void close() {
        arena.close();
    }
}
