package dev.gatun.models.family.bert;

import dev.gatun.models.family.bert.EncoderSession.SessionOptions;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.op.LinearTuner;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A BERT encoder: immutable weights, packed once, and plans compiled once for each token bucket. Shared by any
 * number of threads, each with its own {@link EncoderSession}. Owns its native memory: {@link #close} waits for
 * forwards under way, then frees everything; sessions used after that throw {@link IllegalStateException}.
 */
public final class BertEncoder implements AutoCloseable {
    /** Tokens that are computed together: their activations stay in the second-level cache. */
    private static final int CHUNK_TOKENS = Integer.getInteger("gatun.chunk.tokens", 128);

    private final BertConfig config;
    private final Arena arena;
    private final BertWeights weights;
    private final TokenBuckets buckets;
    private final Lifetime lifetime = new Lifetime("the encoder");
    private final Map<PlanKey, Plan> plans = new ConcurrentHashMap<>();

    private record PlanKey(int bucket, SessionOptions options) {
    }

    private BertEncoder(BertConfig config, Arena arena, BertWeights weights) {
        this.config = config;
        this.arena = arena;
        this.weights = weights;
        this.buckets = new TokenBuckets(Math.max(config.maxPositions(), CHUNK_TOKENS));
    }

    /**
     * Packs the weights; nothing of the source is needed afterwards.
     *
     * @param scope  where {@code embeddings} and {@code encoder} are
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static BertEncoder load(WeightScope scope, BertConfig config) {
        Arena arena = Arena.ofShared();
        try {
            return new BertEncoder(config, arena, BertWeights.load(scope, config, arena, new LinearTuner(CHUNK_TOKENS)));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** A session for one caller, who closes it. */
    public EncoderSession newSession(SessionOptions options) {
        lifetime.enter();
        try {
            return new EncoderSession(this, options);
        } finally {
            lifetime.exit();
        }
    }

    /** Sizes. */
    public BertConfig config() {
        return config;
    }

    /** Bytes of native memory that the weights take. */
    public long nativeByteSize() {
        return weights.nativeByteSize();
    }

    /** How many plans are compiled; bounded by the buckets and the kinds of sessions. */
    public int planCount() {
        return plans.size();
    }

    /** The most plans there can be for one kind of session. */
    public int maxPlanCount() {
        return buckets.count();
    }

    /** One line for each operation of the plan for so many tokens: what it makes and which kernel computes it. */
    public List<String> describe(int tokens, SessionOptions options) {
        return plan(buckets.indexFor(tokens), options).describe();
    }

    /** Tokens that a chunk of several sequences has at most. */
    public int chunkTokens() {
        return CHUNK_TOKENS;
    }

    int maxSequences() {
        return CHUNK_TOKENS;
    }

    TokenBuckets buckets() {
        return buckets;
    }

    Plan plan(int bucket, SessionOptions options) {
        lifetime.enter();
        try {
            return plans.computeIfAbsent(new PlanKey(bucket, options), key -> BertPlans.compile(
                    config, weights, lifetime, arena, buckets.size(bucket), CHUNK_TOKENS, options));
        } finally {
            lifetime.exit();
        }
    }

    /** Frees the weights and plans once no forward is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            plans.clear();
            arena.close();
        }
    }
}
