package dev.gatun.models.registry;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Families;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.family.albert.Albert;
import dev.gatun.models.family.bert.Bert;
import dev.gatun.models.family.bert.JinaBert;
import dev.gatun.models.family.clip.ClipText;
import dev.gatun.models.family.deberta.Deberta;
import dev.gatun.models.family.distilbert.DistilBert;
import dev.gatun.models.family.electra.Electra;
import dev.gatun.models.family.gte.Gte;
import dev.gatun.models.family.llama.Llama;
import dev.gatun.models.family.modernbert.ModernBert;
import dev.gatun.models.family.mpnet.MpNet;
import dev.gatun.models.family.nomic.NomicBert;
import dev.gatun.models.family.onnx.OnnxEncoder;
import dev.gatun.models.family.roberta.Roberta;
import dev.gatun.models.family.rows.StaticRows;
import dev.gatun.models.family.t5.T5Encoder;
import dev.gatun.tensor.Precision;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/** The families of text encoders that are served. */
public final class Encoders {
    /**
     * In the order in which they are asked: static embeddings and ONNX files first, whatever config.json calls them; BERT last, which
     * claims what says nothing and has its tensors.
     */
    public static final List<EncoderFamily> ALL = List.of(new StaticRows(), new OnnxEncoder(), new Roberta(), new DistilBert(),
            new Electra(), new Albert(), new MpNet(), new Deberta(), new T5Encoder(), new ModernBert(), new NomicBert(), new Gte(),
            new Llama(), new ClipText(), new JinaBert(), new Bert());

    private static final Families FAMILIES = new Families(List.copyOf(ALL));

    private Encoders() {
    }

    /**
     * The family that serves a checkpoint.
     *
     * @throws WeightException if there is none: says what config.json calls the model, and what is nearest
     */
    public static EncoderFamily family(Checkpoint checkpoint) {
        checkpoint.requireEncoder();
        // Whether there are weights at all comes before whose they are.
        if (!checkpoint.format().equals("onnx")) {
            checkpoint.tensors();
        }
        return (EncoderFamily) FAMILIES.require(checkpoint);
    }

    /** The same in F32. */
    public static Encoder load(Path model, Function<TextEncoder, Head> head) {
        return load(model, Precision.F32, head);
    }

    /**
     * Loads the encoder of a folder or an ONNX file; the files are not needed afterwards.
     *
     * @param precision of its linear layers
     * @param head what follows its last layer
     * @throws WeightException if a file is missing, damaged, contradicts another, or is of a model that is not served
     */
    public static Encoder load(Path model, Precision precision, Function<TextEncoder, Head> head) {
        Checkpoint checkpoint = Checkpoint.open(model);
        return family(checkpoint).load(checkpoint, precision, head);
    }
}
