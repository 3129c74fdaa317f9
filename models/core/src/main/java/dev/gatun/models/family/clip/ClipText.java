package dev.gatun.models.family.clip;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.encode.Tower;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.graph.Linear;
import java.util.Arrays;
import java.util.List;

/**
 * The text towers of CLIP (Radford et al. 2021) and SigLIP (Zhai et al. 2023): norms first, learned positions. CLIP is causal and takes the
 * end's row; SigLIP takes the last row of a text that is always padded to its full length, as it was trained.
 */
public final class ClipText implements EncoderFamily {
    /** {@code model_type} of these families. */
    public static final List<String> MODEL_TYPES = List.of("clip", "siglip");

    @Override
    public String name() {
        return "clip";
    }

    @Override
    public List<String> words() {
        return List.of("clip", "siglip", "CLIPModel", "SiglipModel");
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return MODEL_TYPES.contains(checkpoint.modelType());
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        ClipConfig config = ClipConfig.text(checkpoint.configFile(), checkpoint.config());
        WeightScope top = WeightScope.of(source);
        WeightScope scope = top.child("text_model");
        int d = config.hiddenSize();
        int vocab = config.fields().integer("vocab_size", 1, Integer.MAX_VALUE, config.siglip() ? 32000 : 49408);
        int length = config.fields().integer("max_position_embeddings", 1, 1 << 20, config.siglip() ? 64 : 77);
        EncoderSpec spec = new EncoderSpec(checkpoint.modelType(), vocab, 0, d, config.numLayers(), config.numHeads(), config.headDim(),
                config.dFf(), length, config.normEps(), true, config.activation(), !config.siglip());
        ClipNames names = new ClipNames(scope, config);
        WeightScope embeddings = scope.child("embeddings");
        EncoderWeights weights = new EncoderWeights(embeddings.child("token_embedding").weight("weight", vocab, d),
                new Positions.Absolute(embeddings.child("position_embedding").weight("weight", length, d)), null, null, null,
                names.layers(), names.norm(scope.child("final_layer_norm")));
        return new TextEncoder(spec, weights, config.siglip() ? siglip(config, scope, length) : clip(config, top));
    }

    private static Tower siglip(ClipConfig config, WeightScope scope, int length) {
        int columns = config.fields().integer("projection_size", 1, 1 << 20, config.hiddenSize());
        Linear.Part head = scope.part("head", config.hiddenSize(), columns, true);
        return new Tower(Pooling.LASTTOKEN, head, true, (ids, pad) -> {
            int[] padded = Arrays.copyOf(ids, length);
            Arrays.fill(padded, Math.min(ids.length, length), length, pad);
            return padded;
        });
    }

    private static Tower clip(ClipConfig config, WeightScope top) {
        int end = config.fields().integer("eos_token_id", 0, Integer.MAX_VALUE, 49407);
        // What follows the row that is taken is not seen by it.
        return new Tower(Pooling.LASTTOKEN, top.part("text_projection", config.hiddenSize(), config.projection(), false),
                false, (ids, pad) -> Arrays.copyOf(ids, place(ids, end) + 1));
    }

    /** The first end; 2 stands for the largest id, as configs once said. */
    private static int place(int[] ids, int end) {
        int place = 0;
        for (int i = 0; i < ids.length; i++) {
            if (end == 2 ? ids[i] > ids[place] : ids[i] == end) {
                place = i;
                if (end != 2) {
                    break;
                }
            }
        }
        return place;
    }
}
