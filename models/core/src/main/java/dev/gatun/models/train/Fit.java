package dev.gatun.models.train;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/**
 * A classifier's training from beginning to end: some examples of each class are held out, AdamW on the cross-entropy, a rate that grows
 * over the first tenth of the steps and falls as a cosine. A checkpoint after every epoch; a training that was ended in any way goes on
 * from it to the weights that it would have come to. The same seed and threads give the same weights. The result is {@link #MODEL}, which
 * says of which training it is, so that one that is finished is not begun again by being resumed.
 *
 * @param epochs   times that every example is learnt from
 * @param batch    examples of a step
 * @param rate     the largest learning rate
 * @param decay    of the weights, AdamW's
 * @param heldOut  share of each class that is not learnt from, 0 to below 1
 * @param seed     of order, looks and beginning
 * @param threads  of the products
 * @param resume   whether a checkpoint is gone on from, if there is one, and a result of the same training left as it is
 */
public record Fit(int epochs, int batch, double rate, double decay, double heldOut, long seed, int threads, boolean resume) {
    /** Of a training under way, in the result's folder. */
    public static final String CHECKPOINT = "checkpoint.safetensors";
    /** What was trained, in the same folder. */
    public static final String MODEL = "model.safetensors";

    /** Checks the ranges. */
    public Fit {
        if (epochs < 1 || batch < 1 || threads < 1 || !(rate > 0) || !(decay >= 0) || !(heldOut >= 0 && heldOut < 1)) {
            throw new IllegalArgumentException("epochs " + epochs + ", batch " + batch + ", threads " + threads + " must be 1 or more, "
                    + "rate " + rate + " above 0, decay " + decay + " 0 or more, the share held out " + heldOut + " 0 to below 1");
        }
    }

    /**
     * What is known after an epoch.
     *
     * @param epoch    1 for the first
     * @param epochs   of all
     * @param loss     mean over the epoch's batches; not a number if all epochs were over before
     * @param held     of the examples that are held out, or null if there are none, or if the result was there before
     */
    public record Progress(int epoch, int epochs, double loss, Trainer.Score held) {
    }

    /** Writes what was trained: {@link #MODEL} first, then what belongs to it. */
    @FunctionalInterface
    public interface Writer {
        /**
         * Writes.
         *
         * @param parameters by name; they live until this returns
         * @param metadata   of {@link #MODEL}
         */
        void write(Map<String, Tensor> parameters, Map<String, String> metadata) throws IOException;
    }

    /**
     * Trains.
     *
     * @param graph        one input whose first dimension is free, and logits; its weights are where training begins
     * @param all          examples with S32 labels
     * @param augmentation of those that are learnt from
     * @param folder       of the result, where {@link #CHECKPOINT} is written after every epoch and removed at the end
     * @param listener     hears of each epoch
     * @param result       writes it
     * @return of the last epoch
     * @throws IOException              if the checkpoint cannot be written: the last good one stays
     * @throws WeightException          if the checkpoint is damaged, or of another training, which is said; or if it is there and is not
     *                                  to be gone on from; or if it is to be gone on from a result of another training
     * @throws TrainingException        if the loss is not a number
     */
    public Progress run(Graph graph, TrainingData all, Augmentation augmentation, Path folder, Consumer<Progress> listener, Writer result)
            throws IOException {
        try (Arena arena = Arena.ofShared()) {
            boolean[] held = held(all.targets());
            TrainingData learnt = part(arena, all, held, false);
            TrainingData checked = part(arena, all, held, true);
            long sum = checkSum(checkSum(0, all.inputs()), all.targets());
            return run(graph, new Loop() {
                @Override
                public double learn(Trainer trainer, int epoch) throws IOException {
                    double[] mean = new double[1];
                    trainer.fit(learnt, augmentation, batch, epoch, epoch + 1, seed, (e, loss) -> {
                        mean[0] = loss;
                        return true;
                    });
                    return mean[0];
                }

                @Override
                public Trainer.Score score(Trainer trainer) {
                    return checked == null ? null : trainer.score(checked, batch);
                }
            }, learnt.count(), notes(graph, augmentation == Augmentation.NONE, all.count(), sum), new Outcome(folder, listener, result));
        }
    }

    /** Where batches of several inputs come from. */
    public interface Feed {
        /** S32 [count], of all examples. */
        Tensor labels();

        /** Of everything that examples are. */
        long checkSum();

        /**
         * The inputs of some examples by name, which live until the next call; there is an output row for each, and perhaps more behind.
         *
         * @param examples their numbers
         */
        Map<String, Tensor> inputs(int... examples);

        /** Rows of the output, as many as examples of a step or more. */
        int rows();
    }

    /** The same of a graph of several inputs. */
    public Progress run(Graph graph, Feed feed, Path folder, Consumer<Progress> listener, Writer result) throws IOException {
        boolean[] held = held(feed.labels());
        int[] learnt = IntStream.range(0, held.length).filter(i -> !held[i]).toArray();
        int[] checked = IntStream.range(0, held.length).filter(i -> held[i]).toArray();
        try (Arena arena = Arena.ofShared()) {
            FeedLoop loop = new FeedLoop(arena, feed, batch);
            return run(graph, new Loop() {
                @Override
                public double learn(Trainer trainer, int epoch) {
                    return loop.learn(trainer, learnt.clone(), 31 * seed + epoch);
                }

                @Override
                public Trainer.Score score(Trainer trainer) {
                    return checked.length == 0 ? null : loop.score(trainer, checked);
                }
            }, learnt.length, notes(graph, true, held.length, checkSum(feed.checkSum(), feed.labels())),
                    new Outcome(folder, listener, result));
        }
    }

    private interface Loop {
        double learn(Trainer trainer, int epoch) throws IOException;

        Trainer.Score score(Trainer trainer);
    }

    private record Outcome(Path folder, Consumer<Progress> listener, Writer result) {
    }

    private Progress run(Graph graph, Loop loop, int learnt, Map<String, String> notes, Outcome outcome) throws IOException {
        Path checkpoint = outcome.folder.resolve(CHECKPOINT);
        if (!resume && Files.exists(checkpoint)) {
            throw new WeightException(checkpoint, "is of a training that was interrupted: resume it, or remove the file and begin again");
        }
        if (resume && !Files.exists(checkpoint) && finished(outcome.folder.resolve(MODEL), notes)) {
            return new Progress(epochs, epochs, Double.NaN, null);
        }
        removeParts(outcome.folder);
        long each = Math.ceilDiv(learnt, batch);
        long warm = Math.max(1, epochs * each / 10);
        Trainer.Options options = new Trainer.Options(new Loss.CrossEntropy(), new Optimizer.AdamW(rate, 0.9, 0.999, 1e-8, decay),
                Schedule.warmUp(warm, Schedule.cosine(Math.max(1, epochs * each - warm))), 1, threads);
        try (Trainer trainer = new Trainer(graph, options)) {
            if (Files.exists(checkpoint)) {
                trainer.restore(checkpoint, notes);
            }
            Progress last = null;
            for (int epoch = (int) (trainer.steps() / each); epoch < epochs; epoch++) {
                double loss = loop.learn(trainer, epoch);
                last = new Progress(epoch + 1, epochs, loss, loop.score(trainer));
                trainer.save(checkpoint, notes);
                outcome.listener.accept(last);
            }
            last = last == null ? new Progress(epochs, epochs, Double.NaN, loop.score(trainer)) : last;
            Map<String, String> metadata = new LinkedHashMap<>(notes);
            metadata.put("format", "pt");
            outcome.result.write(trainer.parameters(), metadata);
            Files.deleteIfExists(checkpoint);
            return last;
        }
    }

    /** What a training that was killed while it wrote has left. */
    private static void removeParts(Path folder) throws IOException {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, "{" + CHECKPOINT + "," + MODEL + "}.*.part")) {
            for (Path part : parts) {
                Files.deleteIfExists(part);
            }
        }
    }

    /** Whether this is the result of the training; false also if it is no training's. */
    private static boolean finished(Path model, Map<String, String> notes) {
        if (!Files.exists(model)) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            Map<String, String> found = SafetensorsFile.open(model, arena).metadata();
            boolean trained = found.keySet().containsAll(notes.keySet());
            if (trained) {
                TrainerFile.requireSame(model, found, notes, "without being resumed it begins anew and replaces this");
            }
            return trained;
        }
    }

    private static long checkSum(long before, Tensor tensor) {
        CRC32 crc = new CRC32();
        for (long at = 0; at < tensor.segment().byteSize(); at += 1 << 30) {
            crc.update(tensor.segment().asSlice(at, Math.min(1 << 30, tensor.segment().byteSize() - at)).asByteBuffer());
        }
        return 31 * before + crc.getValue();
    }

    private Map<String, String> notes(Graph graph, boolean plain, int count, long checkSum) {
        Map<String, String> notes = new LinkedHashMap<>();
        notes.put("network", graph.name() + " of " + graph.weights().stream().mapToLong(w -> w.shape().elementCount()).sum() + " weights");
        notes.put("looks", plain ? "one of each" : "others each time");
        notes.put("examples", count + " with the check sum " + checkSum);
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
        Arrays.setAll(places, i -> i);
        Arrays.sort(places, Comparator.comparingInt(i -> order[i]));
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
