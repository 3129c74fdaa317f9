package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.RemoveInvalid;
import dev.gatun.models.generate.logits.TokenScores;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Applies processors to rows of scores, as Hugging Face does: greedy search and sampling process logits, beam search log-probabilities,
 * which are logits less the row's log-sum-exp. Finds scores that are not numbers. One thread; allocates nothing.
 */
final class Processing {
    private final List<LogitsProcessor> processors;
    private final List<LogitsProcessor> promptProcessors;
    private final boolean beams;
    private final boolean renormalize;
    private final boolean repairs;
    private final TokenScores scores;
    private final float[] normalizers;

    Processing(Rules rules, int maxRows) {
        processors = rules.options.processors();
        promptProcessors = rules.promptProcessors();
        beams = rules.options.numBeams() > 1;
        renormalize = beams && rules.options.renormalizeLogits();
        repairs = rules.options.processor(RemoveInvalid.class) != null;
        scores = new TokenScores(rules.vocabSize);
        normalizers = new float[maxRows];
    }

    /** Whether rows of a prompt's tokens are looked at. */
    boolean seesPrompt() {
        return !promptProcessors.isEmpty();
    }

    /** Processes one row, whose log-sum-exp is known. */
    void process(MemorySegment logits, Logits ranking, int row, Sequence sequence) {
        float logSumExp = ranking.logSumExp(row);
        if (!Float.isFinite(logSumExp) && !repairs) {
            throw new GenerationException(sequence.source(), sequence.length,
                    "the model's scores are not numbers (NaN or infinite); its weights are damaged");
        }
        normalizers[row] = logSumExp;
        scores.show(logits, row, beams ? logSumExp : 0);
        if (sequence.inPrompt()) {
            for (int i = 0; i < promptProcessors.size(); i++) {
                promptProcessors.get(i).process(scores, sequence);
            }
            return;
        }
        if (beams && !Float.isFinite(logSumExp)) {
            // Log-probabilities of such a row are none.
            normalizers[row] = 0;
            scores.show(logits, row, 0);
            for (int id = 0; id < scores.size(); id++) {
                scores.set(id, Float.NaN);
            }
        }
        for (int i = 0; i < processors.size(); i++) {
            processors.get(i).process(scores, sequence);
        }
    }

    /** What has to be subtracted from processed scores to have log-probabilities, by row. */
    float[] normalizers(MemorySegment logits, Logits ranking, int rows) {
        if (!processors.isEmpty() && !beams || renormalize) {
            ranking.logSumExp(logits, rows);
            for (int row = 0; row < rows; row++) {
                normalizers[row] = ranking.logSumExp(row);
            }
        }
        return normalizers;
    }
}
