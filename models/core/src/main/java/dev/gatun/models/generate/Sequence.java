package dev.gatun.models.generate;

import dev.gatun.models.generate.logits.TokenContext;
import java.util.Arrays;

/** A target under way: its tokens, from the prompt on, and their keys and values. Reused for one source after another. */
final class Sequence implements TokenContext {
    final BlockTable table;
    int[] ids = new int[0];
    float[] scores = new float[0];
    int length;
    /** Tokens whose keys and values are in the cache. */
    int fed;
    /** Sum of the log-probabilities of the tokens that were chosen. */
    double sum;
    /** State of the random numbers that belong to this sequence. */
    long random;
    /** Which of its source's sequences this is. */
    int index;
    boolean done;
    Target target;
    /** Tokens behind its own that were guessed, and the row of a step that reads the first of them. */
    int guesses;
    int guessRow;

    Sequence(BlockTable table) {
        this.table = table;
    }

    /** Starts with so many tokens of the target's prompt; the others are read by {@link #extend}. */
    void start(Target of, int given, int number) {
        target = of;
        room(of.maxLength());
        System.arraycopy(of.prompt(), 0, ids, 0, of.prompt().length);
        length = given;
        fed = 0;
        sum = 0;
        index = number;
        done = false;
        guesses = 0;
    }

    private void room(int tokens) {
        if (ids.length < tokens) {
            ids = new int[tokens];
            scores = new float[tokens];
        }
    }

    /** Continues another's tokens; blocks are shared, not copied. */
    void fork(Sequence parent) {
        room(parent.ids.length);
        System.arraycopy(parent.ids, 0, ids, 0, parent.length);
        System.arraycopy(parent.scores, 0, scores, 0, parent.length);
        length = parent.length;
        fed = parent.fed;
        sum = parent.sum;
        index = parent.index;
        target = parent.target;
        done = false;
        table.shareFrom(parent.table);
    }

    /** Becomes another's tokens; what is in the cache of those that are the same stays, but for the last. */
    void follow(Sequence other) {
        room(other.maxLength());
        int same = 0;
        while (same < Math.min(length, other.length) && ids[same] == other.ids[same]) {
            same++;
        }
        System.arraycopy(other.ids, 0, ids, 0, other.length);
        length = other.length;
        fed = Math.min(fed, Math.min(same, length - 1));
    }

    void append(int token, double newSum) {
        scores[length] = (float) (newSum - sum);
        ids[length++] = token;
        sum = newSum;
    }

    /** Goes on in the prompt, by so many tokens more than one at most; how many tokens are to be read before the last. */
    int extend(int room) {
        if (fed < promptLength()) {
            length = fed + 1 + Math.clamp(promptLength() - fed - 1, 0, room);
        }
        return length - fed - 1;
    }

    /** Whether the next token is given, not chosen. */
    boolean inPrompt() {
        return length < target.prompt().length;
    }

    /** The tokens that were chosen. */
    int[] generated() {
        return Arrays.copyOfRange(ids, promptLength(), length);
    }

    /** Their log-probabilities. */
    float[] generatedScores() {
        return Arrays.copyOfRange(scores, promptLength(), length);
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public int token(int i) {
        return ids[java.util.Objects.checkIndex(i, length)];
    }

    @Override
    public int promptLength() {
        return target.prompt().length;
    }

    @Override
    public int begin() {
        return target.begin();
    }

    @Override
    public int maxLength() {
        return target.maxLength();
    }

    @Override
    public int source() {
        return target.source();
    }

    @Override
    public int sourceLength() {
        return target.sourceIds().length;
    }

    @Override
    public int sourceToken(int i) {
        return target.sourceIds()[i];
    }

    @Override
    public int endTokens() {
        return target.eos().length;
    }

    @Override
    public int endToken(int i) {
        return target.eos()[i];
    }
}
