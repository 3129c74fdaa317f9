package dev.gatun.models.train;

import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.zip.CRC32;

/**
 * A classifier's training from beginning to end: some examples of each class are held out, AdamW on the cross-entropy, a rate that grows
 * over the first tenth of the steps and falls as a cosine. A checkpoint after every epoch; a training that was ended in any way goes on
 * from it to the weights that it would have come to. The same seed and threads give the same weights.
 *
 * @param epochs   times that every example is learnt from
 * @param batch    examples of a step
 * @param rate     the largest learning rate
 * @param decay    of the weights, AdamW's
 * @param heldOut  share of each class that is not learnt from, 0 to below 1
 * @param seed     of order, looks and beginning
 * @param threads  of the products
 * @param resume   whether a checkpoint is gone on from, if there is one
 */
public record Fit(int epochs, int batch, double rate, double decay, double heldOut, long seed, int threads, boolean resume) {

    /** Checks the ranges. */
    public Fit {
        if (epochs < 1 || batch < 1 || threads < 1 || !(rate > 0) || !(decay >= 0) || !(heldOut >= 0 && heldOut < 1)) {
            throw new IllegalArgumentException("epochs " + epochs + ", batch " + batch + ", threads " + threads + " must be 1 or more, rate "
                    + rate + " above 0, decay " + decay + " 0 or more, the share held out " + heldOut + " 0 to below 1");
        }
    }

    /**
     * What is known after an epoch.
     *
     * @param epoch    1 for the first
     * @param epochs   of all
     * @param loss     mean over the epoch's batches
     * @param held     of the examples that are held out, or null if there are none
     */
    public record Progress(int epoch, int epochs, double loss, Trainer.Score held) {
    }

    /**
     * Trains.
     *
     * @param graph        one input whose first dimension is free, and logits; its weights are where training begins
     * @param all          examples with S32 labels
     * @param augmentation of those that are learnt from
     * @param checkpoint   written after every epoch, removed at the end
     * @param listener     hears of each epoch
     * @param result       is given the parameters by name, which live until it returns
     * @return of the last epoch
     * @throws IOException              if the checkpoint cannot be written: the last good one stays
     * @throws WeightException          if the checkpoint is damaged, or of another training, which is said; and if it is there and is not to
     *                                  be gone on from
     * @throws TrainingException        if the loss is not a number
     * @throws IllegalArgumentException if all examples are held out
     */
    public Progress run(Graph graph, TrainingData all, Augmentation augmentation, Path checkpoint, Consumer<Progress> listener,
            Consumer<Map<String, Tensor>> result) throws IOException {
        if (!resume && Files.exists(checkpoint)) {
            throw new WeightException(checkpoint, "is of a training that was interrupted: resume it, or remove the file and begin again");
        }
        try (Arena arena = Arena.ofShared()) {
            boolean[] held = held(all.targets());
            TrainingData learnt = part(arena, all, held, false);
            TrainingData checked = part(arena, all, held, true);
            if (learnt == null) {
                throw new IllegalArgumentException("all " + all.count() + " examples would be held out: there is none to learn from");
            }
            long each = Math.ceilDiv(learnt.count(), batch);
            long warm = Math.max(1, epochs * each / 10);
            Trainer.Options options = new Trainer.Options(new Loss.CrossEntropy(), new Optimizer.AdamW(rate, 0.9, 0.999, 1e-8, decay),
                    Schedule.warmUp(warm, Schedule.cosine(Math.max(1, epochs * each - warm))), 1, threads);
            try (Trainer trainer = new Trainer(graph, options)) {
                Map<String, String> notes = notes(all);
                if (Files.exists(checkpoint)) {
                    trainer.restore(checkpoint, notes);
                }
                Progress[] last = new Progress[1];
                int first = (int) (trainer.steps() / each);
                trainer.fit(learnt, augmentation, batch, first, epochs, seed, (epoch, loss) -> {
                    last[0] = new Progress(epoch + 1, epochs, loss, checked == null ? null : trainer.score(checked, batch));
                    trainer.save(checkpoint, notes);
                    listener.accept(last[0]);
                    return true;
                });
                if (last[0] == null) {
                    last[0] = new Progress(epochs, epochs, Double.NaN, checked == null ? null : trainer.score(checked, batch));
                }
                result.accept(trainer.parameters());
                Files.deleteIfExists(checkpoint);
                return last[0];
            }
        }
    }

    private Map<String, String> notes(TrainingData all) {
        CRC32 crc = new CRC32();
        for (Tensor tensor : new Tensor[] {all.inputs(), all.targets()}) {
            for (long at = 0; at < tensor.segment().byteSize(); at += 1 << 30) {
                crc.update(tensor.segment().asSlice(at, Math.min(1 << 30, tensor.segment().byteSize() - at)).asByteBuffer());
            }
        }
        Map<String, String> notes = new LinkedHashMap<>();
        notes.put("examples", all.count() + " with the check sum " + crc.getValue());
        notes.put("epochs", Integer.toString(epochs));
        notes.put("batch", Integer.toString(batch));
        notes.put("rate", Double.toString(rate));
        notes.put("decay", Double.toString(decay));
        notes.put("held out", Double.toString(heldOut));
        notes.put("seed", Long.toString(seed));
        return notes;
    }

    /** Of each class the share, rounded, of examples in an order that depends on the seed; one at least stays. */
    private boolean[] held(Tensor labels) {
        int count = Math.toIntExact(labels.shape().elementCount());
        Map<Integer, int[]> classes = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            classes.computeIfAbsent(labels.getInt(i), k -> new int[2])[0]++;
        }
        boolean[] held = new boolean[count];
        int[] order = new Random(seed).ints(0, Integer.MAX_VALUE).limit(count).toArray();
        Integer[] places = new Integer[count];
        java.util.Arrays.setAll(places, i -> i);
        java.util.Arrays.sort(places, java.util.Comparator.comparingInt(i -> order[i]));
        for (int place : places) {
            int[] each = classes.get(labels.getInt(place));
            if (each[1] < Math.min(each[0] - 1, Math.round(heldOut * each[0]))) {
                held[place] = true;
                each[1]++;
            }
        }
        return held;
    }

    private static TrainingData part(Arena arena, TrainingData all, boolean[] held, boolean wanted) {
        int count = 0;
        for (boolean each : held) {
            count += each == wanted ? 1 : 0;
        }
        if (count == 0) {
            return null;
        }
        return new TrainingData(rows(arena, all.inputs(), held, wanted, count), rows(arena, all.targets(), held, wanted, count));
    }

    private static Tensor rows(Arena arena, Tensor all, boolean[] held, boolean wanted, int count) {
        long[] dims = all.shape().dims();
        long bytes = all.segment().byteSize() / dims[0];
        dims[0] = count;
        Tensor part = Tensor.allocate(arena, TensorDesc.of(all.type(), dims));
        int row = 0;
        for (int i = 0; i < held.length; i++) {
            if (held[i] == wanted) {
                MemorySegment.copy(all.segment(), i * bytes, part.segment(), row++ * bytes, bytes);
            }
        }
        return part;
    }
}
