package dev.gatun.bench.generation;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.logits.TokenContext;
import dev.gatun.models.generate.logits.TokenScores;
import dev.gatun.models.seq2seq.SequenceTokenizer;
import dev.gatun.models.seq2seq.TextToText;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/** Gatun: what stands behind a translator, whose texts are ids with spaces between them. */
final class GatunSentences implements Contender {
    /** Of so many sentences the first tokens are compared, as many as the shortest has. */
    private static final int COMPARED_SENTENCES = 4;
    private static final int COMPARED_TOKENS = 5;

    private final TextToText translator;
    private final List<int[]> sentences;
    private final List<String> texts;
    private final GenerationOptions options;
    private List<List<TextToText.Answer>> answers = List.of();

    private static final class Ids implements SequenceTokenizer {
        @Override
        public int[] encode(String text) {
            return Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();
        }

        @Override
        public String decode(int[] ids) {
            return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
        }
    }

    GatunSentences(Path folder, List<int[]> sentences, int beams, int threads) {
        Ids ids = new Ids();
        this.translator = new TextToText("the benchmark", Seq2SeqModel.load(folder), ids, threads);
        this.sentences = sentences;
        this.texts = sentences.stream().map(ids::decode).toList();
        this.options = GenerationOptions.builder().numBeams(beams).processor(GatunSentences::end).build();
    }

    /** Ends an answer that is as long as its sentence; before, the end is never the best. */
    private static void end(TokenScores scores, TokenContext context) {
        if (context.length() > context.sourceLength()) {
            scores.forbid(0, scores.size());
            scores.set(Shape.END, 0);
        }
    }

    @Override
    public String version() {
        return "Gatun, oneDNN " + OneDnn.version();
    }

    @Override
    public void run() {
        answers = translator.answer(texts, translator.tokenizer()::encode, options, translator.model().tokens().maxPositions(), null);
    }

    @Override
    public float[] output() {
        return compared(sentences, i -> {
            int[] ids = translator.tokenizer().encode(answers.get(i).getFirst().text());
            float[] values = new float[ids.length];
            Arrays.setAll(new int[ids.length], at -> (int) (values[at] = ids[at]));
            return values;
        });
    }

    static float[] compared(List<int[]> sentences, IntFunction<float[]> best) {
        int count = Math.min(sentences.size(), COMPARED_SENTENCES);
        float[] all = new float[count * COMPARED_TOKENS];
        for (int i = 0; i < count; i++) {
            System.arraycopy(best.apply(i), 0, all, i * COMPARED_TOKENS, COMPARED_TOKENS);
        }
        return all;
    }

    @Override
    public void close() {
        translator.close();
    }
}
