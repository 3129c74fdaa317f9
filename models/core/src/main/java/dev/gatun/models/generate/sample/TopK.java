package dev.gatun.models.generate.sample;

/** {@code top_k}: the so many best; of equal ones at the end those of lower ids, where Hugging Face keeps all. */
public record TopK(int count) implements Warper {
    /** Checks it. */
    public TopK {
        Warper.require(count > 0, "top_k", "0 or more", count);
    }

    @Override
    public void warp(Candidates candidates) {
        candidates.keepFirst(count);
    }

    @Override
    public int ranks(int vocabSize) {
        return Math.min(count, vocabSize);
    }
}
