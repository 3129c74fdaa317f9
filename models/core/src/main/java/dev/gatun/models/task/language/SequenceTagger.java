package dev.gatun.models.task.language;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.ClassLabels;
import dev.gatun.models.family.recurrent.SequenceConfig;
import dev.gatun.models.family.recurrent.SequenceNetwork;
import dev.gatun.models.family.recurrent.Vocabulary;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Words to tags by recurrent layers, with a CRF on top where the model has one: of it the best path, otherwise each word's best tag.
 * Thread-safe; owns its weights.
 */
public final class SequenceTagger implements AutoCloseable {
    private final SequenceNetwork network;
    private final Vocabulary vocabulary;
    private final List<String> labels;
    private final int threads;

    private SequenceTagger(SequenceNetwork network, Vocabulary vocabulary, List<String> labels, int threads) {
        this.network = network;
        this.vocabulary = vocabulary;
        this.labels = labels;
        this.threads = threads;
    }

    /**
     * A model of a folder: {@code config.json}, whose architecture is rnn-tagger and whose {@code id2label} names the tags, {@code
     * model.safetensors} and {@code vocabulary.json}, a list of words.
     *
     * @throws WeightException if a file is missing, damaged or contradicts another
     */
    public static SequenceTagger load(Path folder, int threads) {
        return load(folder, threads, Precision.F32);
    }

    /** The same with weights of another precision. */
    public static SequenceTagger load(Path folder, int threads, Precision precision) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        SequenceConfig config = SequenceConfig.of(checkpoint.fields());
        List<String> labels = ClassLabels.of(checkpoint).names();
        if (!config.tagger() || labels.size() != config.outputs()) {
            throw new WeightException(checkpoint.configFile(), "is no tagger, or names " + labels.size() + " labels; expected architecture "
                    + "rnn-tagger and nout " + config.outputs() + " of them");
        }
        Path file = checkpoint.folder().resolve("vocabulary.json");
        Vocabulary vocabulary = Vocabulary.ofWords(file, JsonFiles.value(file), config.words());
        try (Arena files = Arena.ofShared()) {
            return new SequenceTagger(SequenceNetwork.load(checkpoint.source(files), config, precision), vocabulary, labels, threads);
        }
    }

    /**
     * The tags of each sentence's words.
     *
     * @throws IllegalArgumentException if a word is not in the vocabulary, which then has no {@code <unk>}
     */
    public List<List<String>> tag(List<List<String>> sentences) {
        int[] lengths = sentences.stream().mapToInt(List::size).toArray();
        int[] ids = sentences.stream().flatMap(List::stream).mapToInt(vocabulary::id).toArray();
        try (Arena arena = Arena.ofConfined()) {
            Tensor scores = network.run(arena, Tensor.ofInts(arena, ids, ids.length), lengths, threads);
            List<List<String>> tags = new ArrayList<>();
            long row = 0;
            for (int length : lengths) {
                List<String> own = new ArrayList<>();
                for (int tag : network.crf() != null ? network.crf().best(scores.segment(), row, length) : best(scores, row, length)) {
                    own.add(labels.get(tag));
                }
                tags.add(own);
                row += length;
            }
            return tags;
        }
    }

    private int[] best(Tensor scores, long first, int count) {
        int[] best = new int[count];
        for (int i = 0; i < count; i++) {
            long row = (first + i) * labels.size();
            for (int t = 1; t < labels.size(); t++) {
                best[i] = scores.getFloat(row + t) > scores.getFloat(row + best[i]) ? t : best[i];
            }
        }
        return best;
    }

    /** Frees the weights. Closing twice is harmless. */
    @Override
    public void close() {
        network.close();
    }
}
