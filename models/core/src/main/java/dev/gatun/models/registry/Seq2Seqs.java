package dev.gatun.models.registry;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Families;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.bart.Bart;
import dev.gatun.models.family.t5.T5;
import dev.gatun.models.seq2seq.Seq2SeqFamily;
import java.util.List;
import java.util.stream.Stream;

/** The families of models from text to text that are served. */
public final class Seq2Seqs {
    /** In the order in which they are asked. */
    public static final List<Seq2SeqFamily> ALL = Stream.concat(Bart.ALL.stream(), Stream.of(new T5())).toList();

    private static final Families FAMILIES = new Families(List.copyOf(ALL));

    private Seq2Seqs() {
    }

    /**
     * The family that serves a checkpoint.
     *
     * @throws WeightException if there is none: says what config.json calls the model, and what is nearest
     */
    public static Seq2SeqFamily family(Checkpoint checkpoint) {
        // Whether there are weights at all comes first.
        checkpoint.tensors();
        return (Seq2SeqFamily) FAMILIES.require(checkpoint);
    }
}
