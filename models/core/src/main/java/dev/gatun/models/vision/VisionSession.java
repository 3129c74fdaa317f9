package dev.gatun.models.vision;

import dev.gatun.models.checkpoint.Elements;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Executes an image network for one caller: pictures in off-heap memory to logits and features in off-heap memory, without
 * allocating. The trunk runs in batches that stay in the processor's cache, the head once for many pictures. One
 * thread at a time, a platform thread; a second at once is refused. Closing waits for a forward under way.
 */
public final class VisionSession implements Workers.Session {
    private static final int HEAD_ROWS = 32;

    private final VisionModel model;
    private final VisionSpec spec;
    private final Session session;
    private final PictureRows.Session outside;
    private final InputSize size;
    private final MemorySegment rows;
    private final int trunkBatch;
    private final Plan[] trunks;
    private final Plan[] heads = new Plan[Integer.numberOfTrailingZeros(HEAD_ROWS) + 1];

    /**
     * For a model.
     *
     * @param session of the model's program, which is closed with this
     * @param outside of what computes logits instead of the trunk, likewise; or null
     */
    VisionSession(VisionModel model, Session session, InputSize size, int trunkBatch, PictureRows.Session outside) {
        this.outside = outside;
        this.model = model;
        this.spec = model.spec();
        this.session = session;
        this.size = size;
        this.trunkBatch = trunkBatch;
        this.trunks = new Plan[Integer.numberOfTrailingZeros(trunkBatch) + 1];
        this.rows = session.allocate((long) HEAD_ROWS * spec.trunkSize() * Float.BYTES);
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
        if (isWanted(logits)) {
            require("logits", logits, (long) count * spec.classCount() * Float.BYTES);
        }
        if (isWanted(features)) {
            require("features", features, (long) count * spec.featureCount() * Float.BYTES);
        }
        long bad = Elements.firstNotFinite(pictures, count * pictureByteSize() / Float.BYTES);
        if (bad >= 0) {
            // A maximum would hide it.
            throw new IllegalArgumentException("picture " + bad / (pictureByteSize() / Float.BYTES)
                    + " has an element that is NaN or infinite");
        }
        session.enter();
        try {
            for (int first = 0; first < count; first += HEAD_ROWS) {
                chunk(pictures, first, Math.min(HEAD_ROWS, count - first), logits, features);
            }
        } finally {
            session.exit();
        }
    }

    /** Memory on the heap has the address 0 too: it is wanted, and refused. */
    private static boolean isWanted(MemorySegment dst) {
        return dst.address() != 0 || !dst.isNative();
    }

    private void chunk(MemorySegment pictures, int first, int count, MemorySegment logits, MemorySegment features) {
        long rowBytes = (long) spec.trunkSize() * Float.BYTES;
        for (int done = 0; done < count; ) {
            int batch = Integer.highestOneBit(Math.min(trunkBatch, count - done));
            if (outside != null) {
                outside.forward(pictures.asSlice((first + done) * pictureByteSize(), batch * pictureByteSize()), batch,
                        rows.asSlice(done * rowBytes, batch * rowBytes));
                done += batch;
                continue;
            }
            BoundPlan trunk = session.bind(trunk(batch));
            MemorySegment.copy(pictures, (first + done) * pictureByteSize(), trunk.input(VisionNetwork.PICTURES).segment(), 0,
                    batch * pictureByteSize());
            if (spec.tokens() != null) {
                tokens(trunk, batch);
            }
            trunk.execute();
            MemorySegment.copy(trunk.output(VisionNetwork.ROWS).segment(), 0, rows, done * rowBytes, batch * rowBytes);
            done += batch;
        }
        BoundPlan head = session.bind(head(count));
        MemorySegment input = head.input(VisionNetwork.ROWS).segment();
        MemorySegment.copy(rows, 0, input, 0, count * rowBytes);
        // Rows beyond are computed too: what lies there is another plan's, and could be slow denormals.
        for (long at = count * rowBytes; at < input.byteSize(); at += Float.BYTES) {
            input.set(ValueLayout.JAVA_FLOAT, at, 0f);
        }
        head.execute();
        copyOut(head, VisionNetwork.LOGITS, logits, first, count, spec.classCount());
        copyOut(head, VisionNetwork.FEATURES, features, first, count, spec.featureCount());
    }

    /** Says where pictures and tokens lie; each time, because plans share their memory. */
    private void tokens(BoundPlan trunk, int batch) {
        VisionSpec.Tokens tokens = spec.tokens();
        MemorySegment places = trunk.input(VisionNetwork.PLACES).segment();
        for (int i = 0; i < batch * tokens.count(); i++) {
            places.setAtIndex(ValueLayout.JAVA_INT, i, i % tokens.count());
        }
        offsets(trunk.input(VisionNetwork.SEQUENCES).segment(), batch, 1);
        MemorySegment results = trunk.input(VisionNetwork.RESULTS).segment();
        if (!tokens.probed()) {
            offsets(results, batch, tokens.results());
            return;
        }
        trunk.input(VisionNetwork.PROBES).segment().fill((byte) 0);
        results.setAtIndex(ValueLayout.JAVA_INT, 0, batch);
        for (int i = 0; i <= batch; i++) {
            results.setAtIndex(ValueLayout.JAVA_INT, 1 + i, i);
        }
    }

    /** Offsets of sequences that end in the last tokens of each picture. */
    private void offsets(MemorySegment sequences, int batch, int each) {
        int count = spec.tokens().count();
        sequences.setAtIndex(ValueLayout.JAVA_INT, 0, batch * each);
        sequences.setAtIndex(ValueLayout.JAVA_INT, 1, 0);
        for (int i = 0; i < batch * each; i++) {
            sequences.setAtIndex(ValueLayout.JAVA_INT, 2 + i, (i / each + 1) * count - each + 1 + i % each);
        }
    }

    private static void copyOut(BoundPlan head, String name, MemorySegment dst, int first, int count, int columns) {
        if (isWanted(dst)) {
            long bytes = (long) columns * Float.BYTES;
            MemorySegment.copy(head.output(name).segment(), 0, dst, first * bytes, count * bytes);
        }
    }

    private Plan trunk(int batch) {
        int i = Integer.numberOfTrailingZeros(batch);
        if (trunks[i] == null) {
            trunks[i] = model.trunk(size, batch, session.threads());
        }
        return trunks[i];
    }

    private Plan head(int count) {
        int i = count == 1 ? 0 : 32 - Integer.numberOfLeadingZeros(count - 1);
        if (heads[i] == null) {
            heads[i] = model.head(1 << i, session.threads());
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
        return (long) spec.channels() * size.height() * size.width() * Float.BYTES;
    }

    /** H and W of the pictures. */
    public InputSize inputSize() {
        return size;
    }

    /** Threads of each kernel. */
    public int threads() {
        return session.threads();
    }

    @Override
    public long nativeByteSize() {
        return session.nativeByteSize() + (outside == null ? 0 : outside.nativeByteSize());
    }

    /** Frees the session's memory. Closing twice is harmless. */
    @Override
    public void close() {
        session.close();
        if (outside != null) {
            outside.close();
        }
    }
}
