package dev.gatun.models.family.rows;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.ImportedEncoder;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.graph.Weight;
import java.util.List;

/**
 * What sentence-transformers calls {@code StaticEmbedding}, as Model2Vec's potion: a text's vector is the mean of its tokens' rows in a
 * table, without special tokens.
 */
public final class StaticRows implements EncoderFamily {
    /** Tokens of a text that is not cut. */
    private static final int MAX_TOKENS = 1 << 16;

    @Override
    public String name() {
        return "static";
    }

    @Override
    public List<String> words() {
        return List.of("StaticModel", "StaticEmbedding");
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return checkpoint.isStatic();
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        WeightScope scope = WeightScope.of(source);
        for (String name : List.of("mapping", "weights")) {
            if (scope.has(name)) {
                throw new WeightException(source.file(name), "has a tensor " + name + ", by which Model2Vec finds a token's row; "
                        + "expected a row for every token");
            }
        }
        String name = scope.has("embedding.weight") ? "embedding.weight" : "embeddings";
        if (scope.shape(name).rank() != 2) {
            throw new WeightException(source.file(name), "tensor " + name + " is " + scope.shape(name) + ", expected [tokens, columns]");
        }
        int vocab = Math.toIntExact(scope.shape(name).dim(0));
        int columns = Math.toIntExact(scope.shape(name).dim(1));
        Weight words = scope.weight(name, vocab, columns);
        EncoderSpec spec = ImportedEncoder.spec(name(), vocab, 0, columns, MAX_TOKENS);
        return new TextEncoder(spec, new EncoderWeights(words, new Positions.None(), null, null, null, List.of(), null));
    }
}
