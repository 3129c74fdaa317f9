package dev.gatun.models.vision;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.models.vision.VisionNetwork.InputSize;
import dev.gatun.models.runtime.SessionWorkers;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Executes an image network for one caller: pictures in off-heap memory to logits and features in off-heap memory, without
 * allocating. The trunk runs in batches that stay in the processor's cache, the head once for many pictures. One
 * thread at a time, a platform thread; a second at once is refused. Closing waits for a forward under way.
 */
public final class VisionSession implements SessionWorkers.Session {
    private static final int HEAD_ROWS = 32;

    private final VisionModel model;
    private final VisionNetwork network;
    private final InputSize size;
    private final int threads;
    private final ExecutionContext context = new ExecutionContext();
    private final Lifetime lifetime = new Lifetime("the session");
    private final AtomicBoolean busy = new AtomicBoolean();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment rows;
    private final int trunkBatch;
    private final Plan[] trunks;
    private final Plan[] heads = new Plan[Integer.numberOfTrailingZeros(HEAD_ROWS) + 1];

    VisionSession(VisionModel model, InputSize size, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be 1 or more, not " + threads);
        }
        this.model = model;
        this.network = model.network();
        this.size = size;
        this.threads = threads;
        this.trunkBatch = model.trunkBatch(size, threads);
        this.trunks = new Plan[Integer.numberOfTrailingZeros(trunkBatch) + 1];
        this.rows = NativeBuffer.allocate(arena, (long) HEAD_ROWS * network.trunkSize() * Float.BYTES).segment();
    }

    /** Logits of pictures; see the other method. */
    public void forward(MemorySegment pictures, int count, MemorySegment logits) {
        forward(pictures, count, logits, MemorySegment.NULL);
    }

    /**
     * Computes a batch of any size.
     *
     * @param pictures F32 [count, C, H, W], off-heap
     * @param logits   F32 [count, classCount], off-heap, overwritten; or {@link MemorySegment#NULL}
     * @param features F32 [count, featureCount], off-heap, overwritten; or {@link MemorySegment#NULL}
     * @throws IllegalArgumentException if a segment is on the heap or too small
     * @throws IllegalStateException    if the session or the model is closed, or another thread is executing here
     */
    public void forward(MemorySegment pictures, int count, MemorySegment logits, MemorySegment features) {
        if (count < 0) {
            throw new IllegalArgumentException("count must be 0 or more, not " + count);
        }
        require("pictures", pictures, count * pictureByteSize());
        if (logits.address() != 0) {
            require("logits", logits, (long) count * network.classCount() * Float.BYTES);
        }
        if (features.address() != 0) {
            require("features", features, (long) count * network.featureCount() * Float.BYTES);
        }
        lifetime.enter();
        try {
            if (!busy.compareAndSet(false, true)) {
                throw new IllegalStateException("this session is in use by another thread: one session for each caller");
            }
            try {
                for (int first = 0; first < count; first += HEAD_ROWS) {
                    chunk(pictures, first, Math.min(HEAD_ROWS, count - first), logits, features);
                }
            } finally {
                busy.set(false);
            }
        } finally {
            lifetime.exit();
        }
    }

    private void chunk(MemorySegment pictures, int first, int count, MemorySegment logits, MemorySegment features) {
        long rowBytes = (long) network.trunkSize() * Float.BYTES;
        for (int done = 0; done < count; ) {
            int batch = Integer.highestOneBit(Math.min(trunkBatch, count - done));
            BoundPlan trunk = context.bind(trunk(batch));
            MemorySegment.copy(pictures, (first + done) * pictureByteSize(), trunk.input(VisionModel.PICTURES).segment(), 0,
                    batch * pictureByteSize());
            trunk.execute();
            MemorySegment.copy(trunk.output(VisionModel.ROWS).segment(), 0, rows, done * rowBytes, batch * rowBytes);
            done += batch;
        }
        BoundPlan head = context.bind(head(count));
        MemorySegment input = head.input(VisionModel.ROWS).segment();
        MemorySegment.copy(rows, 0, input, 0, count * rowBytes);
        // Rows beyond are computed too: what lies there is another plan's, and could be slow denormals.
        for (long at = count * rowBytes; at < input.byteSize(); at += Float.BYTES) {
            input.set(java.lang.foreign.ValueLayout.JAVA_FLOAT, at, 0f);
        }
        head.execute();
        copyOut(head, VisionModel.LOGITS, logits, first, count, network.classCount());
        copyOut(head, VisionModel.FEATURES, features, first, count, network.featureCount());
    }

    private static void copyOut(BoundPlan head, String name, MemorySegment dst, int first, int count, int columns) {
        if (dst.address() != 0) {
            long bytes = (long) columns * Float.BYTES;
            MemorySegment.copy(head.output(name).segment(), 0, dst, first * bytes, count * bytes);
        }
    }

    private Plan trunk(int batch) {
        int i = Integer.numberOfTrailingZeros(batch);
        if (trunks[i] == null) {
            trunks[i] = model.trunk(size, batch, threads);
        }
        return trunks[i];
    }

    private Plan head(int count) {
        int i = count == 1 ? 0 : 32 - Integer.numberOfLeadingZeros(count - 1);
        if (heads[i] == null) {
            heads[i] = model.head(1 << i, threads);
        }
        return heads[i];
    }

    private static void require(String name, MemorySegment segment, long byteSize) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(name + " is on the heap, expected off-heap memory");
        }
        if (segment.byteSize() < byteSize) {
            throw new IllegalArgumentException(name + " has " + segment.byteSize() + " bytes, expected " + byteSize + " or more");
        }
    }

    /** Bytes of one picture: F32 [C, H, W]. */
    public long pictureByteSize() {
        return (long) network.channels() * size.height() * size.width() * Float.BYTES;
    }

    /** H and W of the pictures. */
    public InputSize inputSize() {
        return size;
    }

    /** OpenMP threads of each kernel. */
    public int threads() {
        return threads;
    }

    @Override
    public long nativeByteSize() {
        return lifetime.isClosed() ? 0 : context.nativeByteSize() + rows.byteSize();
    }

    /** Frees the session's memory. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            context.close();
            arena.close();
        }
    }
}
