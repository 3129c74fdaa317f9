package dev.gatun.models.family.bert;

/** How the vectors of a text's tokens become one. */
public enum Pooling {
    /** The mean over the text's tokens. */
    MEAN,
    /** The vector of the first token. */
    CLS
}
