package dev.gatun.models.task.text;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.RowHead;
import dev.gatun.models.encode.Rows;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.TokenTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.stream.IntStream;

/**
 * Words for the masks of a text, with a masked language model. Probabilities are over the whole vocabulary. Thread-safe; owns its weights
 * and threads, freed by {@link #close}, which waits for calls under way.
 */
public final class FillMask extends TextTask {
    private final RowHead head;
    private final TokenTable vocabulary;
    private final int maskId;

    private FillMask(TextModel model, RowHead head, TokenTable vocabulary, int maskId) {
        super(model);
        this.head = head;
        this.vocabulary = vocabulary;
        this.maskId = maskId;
    }

    /**
     * A word for a mask.
     *
     * @param token id
     * @param text  as it reads
     * @param score probability
     */
    public record Fill(int token, String text, float score) {
    }

    /** {@link #load(Path, TextOptions)} with the defaults. */
    public static FillMask load(Path folder) {
        return load(folder, TextOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param folder a Hugging Face folder
     * @throws WeightException if a file is missing, damaged or contradicts another, or it is a model of another kind
     */
    public static FillMask load(Path folder, TextOptions options) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        HeadKind.MASKED.require(checkpoint);
        TokenTable vocabulary = TokenTable.read(checkpoint.folder());
        int maskId = vocabulary.maskId();
        if (maskId < 0) {
            throw new WeightException(checkpoint.folder().resolve("tokenizer_config.json"), "mask_token is " + vocabulary.maskToken()
                    + ", expected a token of tokenizer.json: without one there is nothing to fill");
        }
        Map.Entry<Encoder, RowHead> loaded = Encoders.family(checkpoint).loadApart(checkpoint, options.precision(), HeadKind.MASKED);
        try {
            return new FillMask(TextModel.of("the mask filler", checkpoint, loaded::getKey, options), loaded.getValue(), vocabulary,
                    maskId);
        } catch (RuntimeException | Error e) {
            loaded.getValue().close();
            throw e;
        }
    }

    /** How a mask is written in texts, as {@code [MASK]}. */
    public String mask() {
        return vocabulary.maskToken();
    }

    /** The five best words of each mask of a text, in the order of the masks. */
    public List<List<Fill>> fill(String text) {
        return fill(List.of(text), 5).getFirst();
    }

    /**
     * The best words of each mask of each text, best first.
     *
     * @param top how many at most
     * @throws IllegalArgumentException if a text has no mask, or it was cut off
     * @throws IllegalStateException    if this is closed, or the calling thread is interrupted
     */
    public List<List<List<Fill>>> fill(List<String> texts, int top) {
        Scores.requireTop(top);
        return model.run(texts, new TextModel.Single<String, List<List<Fill>>>() {
            @Override
            public long characters(String text) {
                return text.length();
            }

            @Override
            public TextTokenizer.Tokens tokenize(String text) {
                return model.tokenizer().encode(text);
            }

            @Override
            public List<List<Fill>> read(String text, TextTokenizer.Tokens tokens, Rows rows) {
                return masks(text, tokens, rows, top);
            }
        });
    }

    private List<List<Fill>> masks(String text, TextTokenizer.Tokens tokens, Rows rows, int top) {
        long[] masked = IntStream.range(0, tokens.ids().length).filter(i -> tokens.ids()[i] == maskId).mapToLong(i -> rows.first() + i)
                .toArray();
        if (masked.length == 0) {
            String what = text.length() > 60 ? text.substring(0, 60) + "..." : text;
            throw new IllegalArgumentException("the text \"" + what + "\" has no " + mask()
                    + (tokens.truncated() ? " in its first " + tokens.ids().length + " tokens" : "")
                            + ": write it where a word is missing");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scores = arena.allocate((long) masked.length * head.columns() * Float.BYTES, 64);
            head.forward(rows.values(), masked, scores);
            return IntStream.range(0, masked.length).mapToObj(mask -> best(scores, (long) mask * head.columns(), top)).toList();
        }
    }

    /** The best of a row; of equal scores the one of the smaller id. */
    private List<Fill> best(MemorySegment scores, long first, int top) {
        PriorityQueue<Integer> worstFirst = new PriorityQueue<>((a, b) -> {
            int byScore = Float.compare(score(scores, first, a), score(scores, first, b));
            return byScore != 0 ? byScore : Integer.compare(b, a);
        });
        for (int id = 0; id < head.columns(); id++) {
            if (worstFirst.size() < top) {
                worstFirst.add(id);
            } else if (score(scores, first, id) > score(scores, first, worstFirst.peek())) {
                worstFirst.poll();
                worstFirst.add(id);
            }
        }
        Fill[] fills = new Fill[worstFirst.size()];
        for (int i = fills.length - 1; i >= 0; i--) {
            int id = worstFirst.poll();
            fills[i] = new Fill(id, vocabulary.text(id), score(scores, first, id));
        }
        return new ArrayList<>(Arrays.asList(fills));
    }

    private static float score(MemorySegment scores, long first, int id) {
        return scores.getAtIndex(ValueLayout.JAVA_FLOAT, first + id);
    }

    @Override
    public long nativeByteSize() {
        return super.nativeByteSize() + head.nativeByteSize();
    }

    @Override
    public void close() {
        super.close();
        head.close();
    }
}
