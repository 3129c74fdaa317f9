package dev.gatun.models.seq2seq;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.generate.Encoded;
import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.Source;
import dev.gatun.models.generate.TokenListener;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.TokenContext;
import dev.gatun.models.generate.logits.TokenScores;
import dev.gatun.models.registry.Seq2Seqs;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prompts that are read at once, with others and alone, against whole targets without a cache. */
class PromptsTest {
    private static EncoderDecoder load(String name) {
        Checkpoint checkpoint = Checkpoint.open(Goldens.path("seq2seq/" + name));
        return Seq2Seqs.family(checkpoint).load(checkpoint, Precision.F32);
    }

    private static int[] random(Random random, int length, EncoderDecoder model) {
        return random.ints(length, 4, model.tokens().vocabSize()).toArray();
    }

    /** Learned positions, positions of padding apart, distances; 33 tokens are more than a lone sequence's step reads. */
    @ParameterizedTest
    @ValueSource(strings = {"bart", "m2m_100", "t5"})
    void scoresAtEveryTokenAreThoseOfWholeTargets(String name) {
        Random random = new Random(5);
        try (EncoderDecoder model = load(name)) {
            List<Source> sources = new ArrayList<>();
            for (int length : new int[] {1, 2, 33, 17, 5}) {
                int[] prompt = random(random, Math.min(length, model.tokens().maxPositions() - 1), model);
                sources.add(new Source.Tokens(random(random, 1 + random.nextInt(9), model), prompt));
            }
            for (int rows : new int[] {1, 2, 40}) {
                try (GenerationSession session = new GenerationSession(model, 1, rows)) {
                    Watch watch = new Watch(sources, model);
                    session.generateFrom(sources, GenerationOptions.builder().maxNewTokens(1).processor(watch).build(),
                            TokenListener.NONE);
                    assertEquals(sources.stream().mapToInt(source -> source.prompt().length).sum(), watch.seen);
                    assertEquals(0, session.cacheBytesInUse());
                }
            }
        }
    }

    private static final class Watch implements LogitsProcessor {
        private final List<float[]> expected = new ArrayList<>();
        private int seen;

        Watch(List<Source> sources, EncoderDecoder model) {
            sources.forEach(source -> expected.add(model.forced(List.of(source.ids()), List.of(source.prompt())).logits()));
        }

        @Override
        public void process(TokenScores scores, TokenContext context) {
            seen++;
            float[] found = new float[scores.size()];
            Arrays.setAll(new int[found.length], id -> (int) (found[id] = scores.get(id)));
            int row = (context.length() - 1) * found.length;
            assertArrayEquals(Arrays.copyOfRange(expected.get(context.source()), row, row + found.length), found, 1e-4f,
                    () -> "source " + context.source() + " after " + context.length() + " tokens");
        }

        @Override
        public boolean seesPrompt() {
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void anEncodedSourceGivesWhatItsTokensGive(int beams) {
        Random random = new Random(6);
        try (EncoderDecoder model = load("marian"); GenerationSession session = new GenerationSession(model, 1, 9)) {
            GenerationOptions options = GenerationOptions.builder().numBeams(beams).maxLength(12).build();
            List<Source> plain = new ArrayList<>();
            List<Source> mixed = new ArrayList<>();
            List<Encoded> encoded = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                Source source = new Source.Tokens(random(random, 1 + i, model), random(random, 1 + i % 4, model));
                plain.add(source);
                if (i % 2 == 0) {
                    encoded.add(session.encode(source, plan -> { }));
                    mixed.add(encoded.getLast().from(source.prompt()));
                } else {
                    mixed.add(source);
                }
            }
            List<List<Generated>> expected = session.generateFrom(plain, options, TokenListener.NONE);
            for (int round = 0; round < 2; round++) {
                List<List<Generated>> found = session.generateFrom(mixed, options, TokenListener.NONE);
                for (int i = 0; i < plain.size(); i++) {
                    assertArrayEquals(expected.get(i).getFirst().ids(), found.get(i).getFirst().ids());
                }
            }
            encoded.forEach(Encoded::close);
            encoded.forEach(Encoded::close);
            assertEquals(0, session.cacheBytesInUse());
            assertRefused(session, mixed, "is closed");
        }
    }

    @Test
    void anEncodedSourceBelongsToItsSession() {
        try (EncoderDecoder model = load("marian"); GenerationSession other = new GenerationSession(model, 1)) {
            Encoded encoded;
            try (GenerationSession session = new GenerationSession(model, 1)) {
                encoded = session.encode(new Source.Tokens(new int[] {5, 6}), plan -> { });
                assertRefused(other, List.of(encoded.from(null)), "by another session");
                assertThrows(IllegalArgumentException.class, () -> session.encode(new Source.Tokens(new int[0]), plan -> { }));
            }
            encoded.close();
            assertThrows(IllegalStateException.class, () -> encoded.keys(0, 0, new float[1000]));
        }
    }

    private static void assertRefused(GenerationSession session, List<Source> sources, String part) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> session.generateFrom(sources, GenerationOptions.greedy(), TokenListener.NONE));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }
}
