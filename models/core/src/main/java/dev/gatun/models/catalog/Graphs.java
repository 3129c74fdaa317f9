package dev.gatun.models.catalog;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Family;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.family.recurrent.RnnConfig;
import dev.gatun.models.family.recurrent.RnnLanguageModel;
import dev.gatun.models.family.recurrent.SequenceConfig;
import dev.gatun.models.family.recurrent.SequenceNetwork;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.family.whisper.WhisperModel;
import dev.gatun.models.seq2seq.EncoderDecoder;
import dev.gatun.models.seq2seq.Seq2SeqFamily;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.pass.Passes;
import java.lang.foreign.Arena;
import java.util.List;

/** The graphs of checkpoints, for people to read. */
public final class Graphs {
    private static final Target TARGET = Target.ofRows(128);

    private Graphs() {
    }

    /**
     * The graphs of what a checkpoint holds.
     *
     * @param after the pass after which they are shown; null: before all passes
     * @throws dev.gatun.models.checkpoint.WeightException if nothing serves it, or it is damaged
     * @throws IllegalArgumentException                    if there is no such pass
     */
    public static List<String> text(Checkpoint checkpoint, String after) {
        try (Arena files = Arena.ofShared()) {
            return describe(checkpoint, files).stream()
                    .map(graph -> after == null ? graph : Passes.runUntil(graph, TARGET, files, after)).map(Graph::toString).toList();
        }
    }

    /**
     * What becomes of the linear and recurrent layers of a text encoder, an encoder and decoder, or a recurrent network.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if nothing serves it, or it is damaged
     * @throws IllegalArgumentException                    if it is none of them
     */
    public static List<Narrowing> narrowings(Checkpoint checkpoint, Precision precision) {
        Family<?> family = ServedFamilies.ALL.require(checkpoint);
        if (family instanceof EncoderFamily encoders) {
            try (Encoder encoder = encoders.load(checkpoint, precision, Head.pooled(Pooling.MEAN, true))) {
                return encoder.program().narrowings(encoder.spec().name());
            }
        }
        if (family instanceof Seq2SeqFamily models) {
            try (EncoderDecoder model = models.load(checkpoint, precision)) {
                return model.narrowings();
            }
        }
        try (Arena files = Arena.ofShared()) {
            if (family.name().equals(RnnConfig.ARCHITECTURE)) {
                try (RnnLanguageModel model = RnnLanguageModel.load(checkpoint.source(files), RnnConfig.of(checkpoint.fields()),
                        precision)) {
                    return model.narrowings();
                }
            }
            if (family.name().equals(SequenceConfig.TAGGER) || family.name().equals(SequenceConfig.FORECASTER)) {
                try (SequenceNetwork network = SequenceNetwork.load(checkpoint.source(files), SequenceConfig.of(checkpoint.fields()),
                        precision)) {
                    return network.narrowings();
                }
            }
        }
        throw new IllegalArgumentException(checkpoint.origin() + ": " + family.name()
                + " is neither a model of texts nor a recurrent network: precision is chosen for those");
    }

    private static List<Graph> describe(Checkpoint checkpoint, Arena files) {
        Family<?> family = ServedFamilies.ALL.require(checkpoint);
        if (family instanceof EncoderFamily encoders) {
            TextEncoder encoder = encoders.describe(checkpoint, checkpoint.source(files));
            return List.of(Encoder.describe(encoder.spec(), encoder.weights(), Head.pooled(Pooling.MEAN, true).apply(encoder)));
        }
        if (family instanceof Seq2SeqFamily models) {
            return EncoderDecoder.describe(models.describe(checkpoint, checkpoint.source(files)));
        }
        if (family.name().equals(WhisperModel.MODEL_TYPE)) {
            return WhisperModel.describe(checkpoint, files);
        }
        if (family.name().equals(RnnConfig.ARCHITECTURE)) {
            return List.of(RnnLanguageModel.describe(checkpoint, files));
        }
        if (family.name().equals(SequenceConfig.TAGGER) || family.name().equals(SequenceConfig.FORECASTER)) {
            return SequenceNetwork.describe(checkpoint, files);
        }
        return family.name().equals(ServedFamilies.TOKEN_MODEL_FAMILY) ? Seq2SeqModel.describe(checkpoint, files)
                : ImageClassifier.describe(checkpoint.origin(), files);
    }
}
