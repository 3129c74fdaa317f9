package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.testing.RandomModels;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Guesses change how many tokens a step reads, and nothing else; what there is without them is compared with transformers elsewhere. */
class GuessTest {
    private static final int VOCAB = 61;
    private static final int LONGEST = 40;
    private static Seq2SeqModel large;
    private static Seq2SeqModel small;

    @BeforeAll
    static void load() {
        large = RandomModels.create(VOCAB, 32, 4, LONGEST, 0);
        small = RandomModels.create(VOCAB, 16, 2, LONGEST - 10, 0);
    }

    @AfterAll
    static void close() {
        large.close();
        small.close();
    }

    private static List<Source> sources(int count, int longest) {
        Random random = new Random(5);
        List<Source> sources = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] ids = random.ints(1 + random.nextInt(longest), 3, VOCAB).toArray();
            sources.add(new Source.Tokens(ids, i % 3 == 0 ? new int[] {1, 5, 3 + i % 50} : null));
        }
        return sources;
    }

    private static List<GenerationOptions.Builder> ways() {
        return List.of(GenerationOptions.builder(), GenerationOptions.builder().maxLength(17).minLength(9),
                GenerationOptions.builder().noRepeatNgramSize(2).repetitionPenalty(1.3).encoderRepetitionPenalty(1.2),
                GenerationOptions.builder().doSample(true).seed(3).temperature(0.7).topK(12),
                GenerationOptions.builder().doSample(true).seed(4).noRepeatNgramSize(3).topP(0.9),
                GenerationOptions.builder().stopSequence(List.of(7)).forcedEosTokenId(2));
    }

    private static List<Guess> guesses() {
        return List.of(new Guess.Model(small), new Guess.Model(large, 5, 0), new Guess.Model(small, 1, 0.9), new Guess.Lookup(4, 2),
                new Guess.Lookup(30, 1));
    }

    @Test
    void whatIsGeneratedIsTheSame() {
        try (GenerationSession plain = new GenerationSession(large, 2); GenerationSession guessing = new GenerationSession(large, 2)) {
            for (GenerationOptions.Builder way : ways()) {
                List<List<Generated>> expected = plain.generateFrom(sources(40, LONGEST - 10), way.build(), TokenListener.NONE);
                for (Guess guess : guesses()) {
                    List<List<Generated>> found = guessing.generateFrom(sources(40, LONGEST - 10), way.guess(guess).build(),
                            TokenListener.NONE);
                    for (int i = 0; i < expected.size(); i++) {
                        Generated one = expected.get(i).getFirst();
                        Generated other = found.get(i).getFirst();
                        assertArrayEquals(one.ids(), other.ids(), guess + ", source " + i);
                        assertArrayEquals(one.tokenScores(), other.tokenScores(), guess + ", source " + i);
                        assertEquals(one.finish(), other.finish());
                    }
                }
                way.guess(null);
            }
            assertEquals(0, guessing.cacheBytesInUse());
        }
    }

    /** A model that guesses for itself is always right. */
    @Test
    void rightGuessesSaveSteps() {
        GenerationOptions.Builder whole = GenerationOptions.builder().maxLength(LONGEST).minLength(LONGEST);
        try (GenerationSession session = new GenerationSession(large, 1)) {
            int[] steps = new int[2];
            for (int i = 0; i < 2; i++) {
                GenerationOptions options = whole.guess(i == 0 ? null : new Guess.Model(large, 9, 0)).build();
                try (GenerationRun run = session.startFrom(sources(2, 9).subList(1, 2), options, TokenListener.NONE)) {
                    do {
                        steps[i]++;
                    } while (run.step());
                }
            }
            assertEquals(LONGEST - 1, steps[0]);
            assertEquals((LONGEST - 1 + 9) / 10, steps[1]);
        }
    }

    @Test
    void abandonedRunsGiveTheirMemoryBack() {
        GenerationOptions options = GenerationOptions.builder().guess(new Guess.Model(small)).build();
        try (GenerationSession session = new GenerationSession(large, 1)) {
            for (int i = 0; i < 50; i++) {
                try (GenerationRun run = session.startFrom(sources(1 + i % 5, 9), options, (source, sequence, token) -> token % 7 != 0)) {
                    for (int step = 0; step < i % 4 && run.step(); step++) {
                        assertTrue(session.cacheBytesInUse() >= 0);
                    }
                }
                assertEquals(0, session.cacheBytesInUse());
            }
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        refused("num_beams is 2", () -> GenerationOptions.builder().numBeams(2).guess(new Guess.Lookup(3, 2)).build());
        refused("num_return_sequences 2", () -> GenerationOptions.builder().doSample(true).numReturnSequences(2)
                .guess(new Guess.Lookup(3, 2)).build());
        refused("num_assistant_tokens must be 1", () -> new Guess.Model(small, 0, 0.4));
        refused("assistant_confidence_threshold", () -> new Guess.Model(small, 3, Double.NaN));
        refused("max_matching_ngram_size", () -> new Guess.Lookup(3, 0));
        try (Seq2SeqModel other = RandomModels.create(VOCAB + 1, 16, 2, LONGEST, 0);
                GenerationSession session = new GenerationSession(large, 1)) {
            List<int[]> one = List.of(new int[] {5, 6});
            refused("the assistant's vocabulary has 62 tokens", () -> session.generate(one, GenerationOptions.builder()
                    .guess(new Guess.Model(other)).build()));
            refused("positions end at 30", () -> session.generate(List.of(IntStream.range(3, 38).toArray()), GenerationOptions.builder()
                    .guess(new Guess.Model(small)).build()));
            assertEquals(1, session.generate(one, GenerationOptions.greedy()).size());
        }
    }

    private static void refused(String message, org.junit.jupiter.api.function.Executable run) {
        String found = assertThrows(IllegalArgumentException.class, run).getMessage();
        assertTrue(found.contains(message), found);
    }
}
