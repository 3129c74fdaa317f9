package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.seq2seq.EncoderDecoder;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.graph.Graph;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The textbook's Transformer as a token model; see {@link EncoderDecoder}. */
public final class Seq2SeqModel extends EncoderDecoder {
    private final Seq2SeqConfig config;

    private Seq2SeqModel(Seq2SeqConfig config, WeightSource source, Precision precision, Arena temporary) {
        super(Seq2SeqWeights.find(WeightScope.of(source), config, temporary), precision);
        this.config = config;
    }

    /**
     * The graphs of a folder's model, before the passes.
     *
     * @param files owns what is read
     */
    public static List<Graph> describe(Checkpoint checkpoint, Arena files) {
        Seq2SeqConfig config = Seq2SeqConfig.parse(checkpoint.configFile(),
                checkpoint.config().toString().getBytes(StandardCharsets.UTF_8));
        return describe(Seq2SeqWeights.find(WeightScope.of(checkpoint.source(files)), config, files));
    }

    /**
     * Loads {@code config.json} and {@code model.safetensors} of a folder; the files are not needed afterwards.
     *
     * @throws WeightException if a file is missing or damaged, or a tensor is missing or has another shape
     */
    public static Seq2SeqModel load(Path folder) {
        return load(folder, Precision.F32);
    }

    /** The same, of which the linear layers have a precision. */
    public static Seq2SeqModel load(Path folder, Precision precision) {
        Path configFile = folder.resolve("config.json");
        if (!Files.isRegularFile(configFile)) {
            throw new WeightException(configFile, "does not exist; the model's sizes are expected there");
        }
        try (Arena files = Arena.ofShared()) {
            Seq2SeqConfig config = Seq2SeqConfig.parse(configFile, Files.readAllBytes(configFile));
            return load(SafetensorsFile.open(folder.resolve("model.safetensors"), files), config, precision);
        } catch (IOException e) {
            throw new WeightException(configFile, "cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Packs the weights of a source, which is not needed afterwards.
     *
     * @param precision of its linear layers
     */
    public static Seq2SeqModel load(WeightSource source, Seq2SeqConfig config, Precision precision) {
        try (Arena temporary = Arena.ofShared()) {
            return new Seq2SeqModel(config, source, precision, temporary);
        }
    }

    /** Sizes. */
    public Seq2SeqConfig config() {
        return config;
    }
}
