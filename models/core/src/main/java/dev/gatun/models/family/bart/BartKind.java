package dev.gatun.models.family.bart;

import dev.gatun.tensor.op.Activation;
import java.util.List;

/** What differs between the models that have BART's tensors. */
enum BartKind {
    /** Lewis et al. 2019: norms behind, learned positions. */
    BART("bart", "bart", "BartForConditionalGeneration", false, false, true, Places.LEARNED, true, new Defaults(50265, Activation.GELU_ERF,
            false, 1, 0, 2, 2)),
    /** Liu et al. 2020, Tang et al. 2020: norms first. */
    MBART("mbart", "mbart", "MBartForConditionalGeneration", true, true, true, Places.LEARNED, true, new Defaults(50265,
            Activation.GELU_ERF, false, 1, 0, 2, 0)),
    /** Junczys-Dowmunt et al. 2018: the paper's Transformer. */
    MARIAN("marian", "marian", "MarianMTModel", false, false, false, Places.HALVES, true, new Defaults(58101, Activation.GELU_ERF, false,
            58100, -1, 0, 58100)),
    /** Zhang et al. 2019. */
    PEGASUS("pegasus", "pegasus", "PegasusForConditionalGeneration", true, true, false, Places.HALVES, true, new Defaults(50265,
            Activation.GELU_ERF, false, 0, -1, 1, 0)),
    /** Fan et al. 2020; NLLB Team 2022. */
    M2M100("m2m100", "m2m_100", "M2M100ForConditionalGeneration", true, true, false, Places.FLOAT_HALVES, false, new Defaults(128112,
            Activation.RELU, true, 1, 0, 2, 2));

    /** How positions are known: learned, from row 2 on; sines before cosines; the same from pad_token_id + 1 on, with F32 angles. */
    enum Places { LEARNED, HALVES, FLOAT_HALVES }

    /** What the config class says where the file does not; without a token that begins, nothing needs one. */
    record Defaults(int vocabSize, Activation activation, boolean scale, int pad, int bos, int eos, int decoderStart) {
    }

    final String family;
    final String modelType;
    final List<String> architectures;
    final boolean normFirst;
    final boolean finalNorm;
    final boolean embeddingNorm;
    final Places places;
    final boolean logitsBias;
    final Defaults defaults;

    BartKind(String family, String modelType, String architecture, boolean normFirst, boolean finalNorm, boolean embeddingNorm,
            Places places, boolean logitsBias, Defaults defaults) {
        this.family = family;
        this.modelType = modelType;
        this.architectures = List.of(architecture);
        this.normFirst = normFirst;
        this.finalNorm = finalNorm;
        this.embeddingNorm = embeddingNorm;
        this.places = places;
        this.logitsBias = logitsBias;
        this.defaults = defaults;
    }
}
