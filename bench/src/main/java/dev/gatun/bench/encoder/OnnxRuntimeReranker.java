package dev.gatun.bench.encoder;

import ai.onnxruntime.OrtException;
import dev.gatun.bench.harness.OnnxRuntimeContender;
import dev.gatun.models.tokenize.TextTokenizer.Tokens;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.List;

/** A cross-encoder in ONNX Runtime: all pairs in one batch, padded to the longest, tokenized beforehand. */
final class OnnxRuntimeReranker extends OnnxRuntimeContender {

    OnnxRuntimeReranker(Path model, List<Tokens> pairs, int threads) throws OrtException {
        super(model, threads);
        int longest = pairs.stream().mapToInt(pair -> pair.ids().length).max().orElse(0);
        long[] shape = {pairs.size(), longest};
        LongBuffer ids = longs("input_ids", shape);
        LongBuffer mask = longs("attention_mask", shape);
        LongBuffer types = longs("token_type_ids", shape);
        for (int i = 0; i < pairs.size(); i++) {
            for (int j = 0; j < pairs.get(i).ids().length; j++) {
                ids.put(i * longest + j, pairs.get(i).ids()[j]);
                mask.put(i * longest + j, 1);
                types.put(i * longest + j, pairs.get(i).types()[j]);
            }
        }
    }

    @Override
    public float[] output() {
        float[] scores = firstOutput();
        for (int i = 0; i < scores.length; i++) {
            scores[i] = (float) (1 / (1 + Math.exp(-scores[i])));
        }
        return scores;
    }
}
