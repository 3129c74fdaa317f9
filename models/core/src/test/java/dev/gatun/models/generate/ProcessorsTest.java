package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.generate.logits.BadWords;
import dev.gatun.models.generate.logits.EncoderNoRepeatNgram;
import dev.gatun.models.generate.logits.EncoderRepetitionPenalty;
import dev.gatun.models.generate.logits.ExponentialDecay;
import dev.gatun.models.generate.logits.ForcedBos;
import dev.gatun.models.generate.logits.ForcedEos;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.MinLength;
import dev.gatun.models.generate.logits.MinNewTokens;
import dev.gatun.models.generate.logits.NoRepeatNgram;
import dev.gatun.models.generate.logits.PrefixConstraint;
import dev.gatun.models.generate.logits.RemoveInvalid;
import dev.gatun.models.generate.logits.RepetitionPenalty;
import dev.gatun.models.generate.logits.SequenceBias;
import dev.gatun.models.generate.logits.SuppressAtBegin;
import dev.gatun.models.generate.logits.SuppressTokens;
import dev.gatun.models.generate.logits.TokenScores;
import dev.gatun.models.generate.sample.Candidates;
import dev.gatun.models.generate.sample.EpsilonCutoff;
import dev.gatun.models.generate.sample.EtaCutoff;
import dev.gatun.models.generate.sample.MinP;
import dev.gatun.models.generate.sample.Temperature;
import dev.gatun.models.generate.sample.TopH;
import dev.gatun.models.generate.sample.TopK;
import dev.gatun.models.generate.sample.TopP;
import dev.gatun.models.generate.sample.TypicalP;
import dev.gatun.models.generate.sample.Warper;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** Processors and warpers, each alone, against transformers' classes ({@code oracle/generate/processors.py}). */
class ProcessorsTest {
    private static final int[] EOS = {2, 5};
    private static final int[] SOURCE = {3, 9, 4, 9, 4, 11, 3, 9};

    private interface Case {
        void check(String name, JsonNode parameters, Tensor in, int[] ids, float[] expected) throws IOException;
    }

    private static void each(boolean processors, Case check) throws IOException {
        int count = 0;
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = Goldens.open(arena, "generate/processors.safetensors");
            for (Map.Entry<String, String> entry : file.metadata().entrySet()) {
                String name = entry.getKey();
                if (name.indexOf('@') == name.lastIndexOf('@') == processors) {
                    continue;
                }
                count++;
                int[] ids = file.tensor(name + ".ids").segment().toArray(ValueLayout.JAVA_INT);
                check.check(name, new ObjectMapper().readTree(entry.getValue()), file.tensor(name + ".in"), ids,
                        file.tensor(name + ".out").toFloats());
            }
        }
        assertEquals(processors ? 120 : 62, count);
    }

    private static List<Integer> list(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).map(JsonNode::intValue).toList();
    }

    private static LogitsProcessor processor(String name, JsonNode p, int vocabSize) {
        return switch (name) {
            case "repetition_penalty", "repetition_penalty_low" -> new RepetitionPenalty(p.doubleValue());
            case "encoder_repetition_penalty" -> new EncoderRepetitionPenalty(p.doubleValue());
            case "no_repeat_ngram_size_1", "no_repeat_ngram_size_2", "no_repeat_ngram_size_3" -> new NoRepeatNgram(p.intValue());
            case "encoder_no_repeat_ngram_size_1", "encoder_no_repeat_ngram_size_2", "encoder_no_repeat_ngram_size_3" ->
                    new EncoderNoRepeatNgram(p.intValue());
            case "bad_words_ids" -> new BadWords(StreamSupport.stream(p.spliterator(), false).map(ProcessorsTest::list).toList());
            case "sequence_bias" -> new SequenceBias(StreamSupport.stream(p.spliterator(), false).map(pair -> new SequenceBias.Biased(
                    list(pair.get(0)), pair.get(1).isTextual() ? Float.NEGATIVE_INFINITY : pair.get(1).floatValue())).toList());
            case "min_length" -> new MinLength(p.intValue());
            case "min_new_tokens" -> new MinNewTokens(p.intValue());
            case "prefix_allowed_tokens_fn" -> new PrefixConstraint(c -> new int[] {c.token(c.length() - 1), vocabSize - 1, 0});
            case "forced_bos_token_id" -> new ForcedBos(6);
            case "forced_eos_token_id" -> new ForcedEos(list(p));
            case "remove_invalid_values" -> new RemoveInvalid();
            case "exponential_decay_length_penalty" -> new ExponentialDecay(p.get(0).intValue(), p.get(1).doubleValue());
            case "suppress_tokens" -> new SuppressTokens(list(p));
            case "begin_suppress_tokens" -> new SuppressAtBegin(list(p));
            default -> throw new IllegalArgumentException(name);
        };
    }

    @Test
    void everyProcessorChangesScoresAsTransformersDoes() throws IOException {
        each(true, (name, parameters, in, ids, expected) -> {
            int vocabSize = (int) in.shape().dim(1);
            LogitsProcessor processor = processor(name.substring(0, name.indexOf('@')), parameters, vocabSize);
            int length = ids.length / 2;
            for (int row = 0; row < 2; row++) {
                int[] own = Arrays.copyOfRange(ids, row * length, (row + 1) * length);
                int[] source = row == 0 ? SOURCE : IntStream.range(0, SOURCE.length).map(i -> SOURCE[SOURCE.length - 1 - i]).toArray();
                // As logits, and as numbers that are more than scores by an offset.
                for (float offset : new float[] {0, 8}) {
                    float[] found = apply(processor, in, row, own, source, offset);
                    for (int id = 0; id < vocabSize; id++) {
                        assertEquals(expected[row * vocabSize + id], found[id], offset == 0 ? 1e-6f : 1e-5f, name + " " + row + " " + id);
                    }
                }
            }
        });
    }

    private static float[] apply(LogitsProcessor processor, Tensor in, int row, int[] ids, int[] source, float offset) {
        int vocabSize = (int) in.shape().dim(1);
        float[] logits = in.toFloats();
        for (int i = 0; i < logits.length; i++) {
            logits[i] += offset;
        }
        Sequence sequence = new Sequence(null);
        sequence.start(new Target(0, source, new int[] {ids[0]}, 7, 1, EOS), 1, 0);
        sequence.ids = ids;
        sequence.length = ids.length;
        processor.check(new LogitsProcessor.Bounds(vocabSize, EOS.length, true));
        TokenScores scores = new TokenScores(vocabSize);
        scores.show(MemorySegment.ofArray(logits), row, offset);
        processor.process(scores, sequence);
        float[] found = new float[vocabSize];
        for (int id = 0; id < vocabSize; id++) {
            found[id] = scores.get(id);
        }
        return found;
    }

    static Warper warper(String name, double value) {
        return switch (name) {
            case "temperature" -> new Temperature(value);
            case "top_h" -> new TopH(value);
            case "top_k" -> new TopK((int) value);
            case "top_p" -> new TopP(value);
            case "min_p" -> new MinP(value);
            case "typical_p" -> new TypicalP(value);
            case "epsilon_cutoff" -> new EpsilonCutoff(value);
            case "eta_cutoff" -> new EtaCutoff(value);
            default -> throw new IllegalArgumentException(name);
        };
    }

    @Test
    void everyWarperLeavesTheProbabilitiesOfTransformers() throws IOException {
        each(false, (name, parameters, in, ids, expected) -> {
            float[] logits = in.toFloats();
            List<Warper> warpers = new ArrayList<>();
            parameters.properties().stream().filter(p -> !p.getKey().equals("keep"))
                    .forEach(p -> warpers.add(warper(p.getKey(), p.getValue().doubleValue())));
            Integer[] order = IntStream.range(0, logits.length).boxed().toArray(Integer[]::new);
            Arrays.sort(order, (a, b) -> Float.compare(logits[b], logits[a]));
            Candidates candidates = new Candidates(logits.length);
            candidates.clear(parameters.path("keep").intValue());
            for (Integer id : order) {
                if (logits[id] > Float.NEGATIVE_INFINITY) {
                    candidates.add(logits[id]);
                }
            }
            Order.warpers(warpers).forEach(warper -> warper.warp(candidates));
            candidates.softmax();
            for (int rank = 0; rank < logits.length; rank++) {
                double found = rank >= candidates.from() && rank < candidates.to() ? candidates.probability(rank) : 0;
                assertEquals(expected[order[rank]], found, 1e-6, name + " rank " + rank);
            }
            assertEquals(candidates.from(), Sampler.pick(0, candidates));
            assertEquals(candidates.to() - 1, Sampler.pick(Math.nextDown(1.0), candidates));
        });
    }
}
