package dev.gatun.models.encode;

import dev.gatun.tensor.op.SequencePoolOp;

/** How the vectors of a text's tokens become one. */
public enum Pooling {
    /** The mean over the text's tokens. */
    MEAN(SequencePoolOp.Kind.MEAN),
    /** The vector of the first token. */
    CLS(SequencePoolOp.Kind.FIRST),
    /** The largest of each element. */
    MAX(SequencePoolOp.Kind.MAX),
    /** The sum over the square root of the number of tokens. */
    MEAN_SQRT_LEN(SequencePoolOp.Kind.MEAN_SQRT),
    /** The mean weighted by 1, 2, 3, ... */
    WEIGHTEDMEAN(SequencePoolOp.Kind.WEIGHTED_MEAN),
    /** The vector of the last token. */
    LASTTOKEN(SequencePoolOp.Kind.LAST);

    private final SequencePoolOp.Kind kind;

    Pooling(SequencePoolOp.Kind kind) {
        this.kind = kind;
    }

    /** The operation, for so many sequences at most. */
    public SequencePoolOp op(boolean normalize, int maxSequences) {
        return new SequencePoolOp(kind, normalize, maxSequences);
    }
}
