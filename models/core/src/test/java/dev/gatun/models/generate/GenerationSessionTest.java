package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.Generated.Finish;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.RandomModels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class GenerationSessionTest {
    private static final GenerationOptions GREEDY = GenerationOptions.builder().maxLength(24).build();
    private static final GenerationOptions BEAMS = GenerationOptions.builder().maxLength(24).numBeams(4).build();
    private static final GenerationOptions SAMPLED = GenerationOptions.builder().maxLength(24).doSample(true).seed(5).temperature(1.5)
            .build();

    private static Seq2SeqModel model;

    @BeforeAll
    static void load() {
        model = Seq2SeqModel.load(Goldens.path("transformer/token/tied-sinusoidal-post-relu"));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static List<int[]> sources(int count, long seed) {
        Random random = new Random(seed);
        List<int[]> sources = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sources.add(random.ints(1 + random.nextInt(40), 3, 37).toArray());
        }
        return sources;
    }

    @Test
    void greedyWithTheCacheEqualsGreedyWithout() {
        List<int[]> sources = sources(30, 1);
        try (GenerationSession session = new GenerationSession(model, 1)) {
            List<List<Generated>> cached = session.generate(sources, GenerationOptions.greedy());
            for (int i = 0; i < sources.size(); i++) {
                int[] ids = cached.get(i).getFirst().ids();
                int[] target = new int[ids.length];
                target[0] = 1;
                System.arraycopy(ids, 0, target, 1, ids.length - 1);
                float[] logits = model.forced(List.of(sources.get(i)), List.of(target)).logits();
                for (int position = 0; position < ids.length; position++) {
                    float[] row = Arrays.copyOfRange(logits, position * 37, (position + 1) * 37);
                    int best = 0;
                    for (int j = 1; j < 37; j++) {
                        best = row[j] > row[best] ? j : best;
                    }
                    assertEquals(row[best], row[ids[position]], 1e-4, "source " + i + ", position " + position);
                }
            }
        }
    }

    @Test
    void sourcesAreTheSessionsOwnOnceItHasBegun() {
        try (GenerationSession session = new GenerationSession(model, 1)) {
            int[] source = sources(1, 3).getFirst();
            List<List<Generated>> expected = session.generate(List.of(source.clone()), GREEDY);
            try (GenerationRun run = session.start(List.of(source), GREEDY, TokenListener.NONE)) {
                Arrays.fill(source, Integer.MAX_VALUE);
                boolean more = true;
                while (more) {
                    more = run.step();
                }
                org.junit.jupiter.api.Assertions.assertArrayEquals(expected.getFirst().getFirst().ids(),
                        run.results().getFirst().getFirst().ids());
            }
        }
    }

    @Test
    void aListenerThatUsesOrClosesItsOwnSessionIsRefusedAndNeverWaits() {
        try (GenerationSession session = new GenerationSession(model, 1)) {
            List<int[]> one = sources(1, 3);
            for (Runnable inside : List.<Runnable>of(session::close, () -> session.generate(one, GREEDY))) {
                assertThrows(IllegalStateException.class, () -> session.generate(one, GREEDY, (source, sequence, token) -> {
                    inside.run();
                    return true;
                }));
                session.generate(one, GREEDY);
            }
        }
        assertThrows(IllegalArgumentException.class, () -> new GenerationSession(model, 1, Integer.MAX_VALUE));
        assertThrows(IllegalArgumentException.class, () -> new GenerationSession(model, 0));
    }

    @Test
    void aSourceGetsTheSameAloneAndInAnyBatch() {
        List<int[]> sources = sources(40, 2);
        for (GenerationOptions options : List.of(GREEDY, BEAMS)) {
            try (GenerationSession wide = new GenerationSession(model, 1); GenerationSession narrow = new GenerationSession(model, 1, 4)) {
                List<List<Generated>> together = wide.generate(sources, options);
                List<List<Generated>> few = narrow.generate(sources, options);
                for (int i = 0; i < sources.size(); i++) {
                    int[] alone = narrow.generate(List.of(sources.get(i)), options).getFirst().getFirst().ids();
                    assertArrayEquals(alone, together.get(i).getFirst().ids());
                    assertArrayEquals(alone, few.get(i).getFirst().ids());
                }
            }
        }
    }

    @Test
    void severalThreadsOnOneModelGetWhatOneGets() throws Exception {
        List<int[]> sources = sources(60, 3);
        List<List<List<Generated>>> expected = new ArrayList<>();
        List<GenerationOptions> options = List.of(GREEDY, BEAMS, SAMPLED);
        try (GenerationSession session = new GenerationSession(model, 1)) {
            options.forEach(o -> expected.add(session.generate(sources, o)));
        }
        try (ExecutorService executor = Executors.newFixedThreadPool(6)) {
            List<Future<List<List<Generated>>>> futures = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                GenerationOptions option = options.get(i % 3);
                futures.add(executor.submit(() -> {
                    try (GenerationSession session = new GenerationSession(model, 1)) {
                        return session.generate(sources, option);
                    }
                }));
            }
            for (int i = 0; i < futures.size(); i++) {
                assertEquals(expected.get(i % 3), futures.get(i).get());
            }
        }
    }

    @Test
    void memoryIsFlatOverThousandsOfGenerations() {
        Random random = new Random(4);
        try (GenerationSession session = new GenerationSession(model, 1, 32)) {
            List<int[]> warm = sources(200, 9);
            for (GenerationOptions options : List.of(BEAMS, GREEDY)) {
                session.generate(warm, options);
            }
            long bytes = session.nativeByteSize();
            int plans = model.planCount();
            for (int i = 0; i < 10_000; ) {
                int count = 1 + random.nextInt(60);
                session.generate(sources(count, i), GenerationOptions.builder().numBeams(1 + i % 4).maxLength(2 + random.nextInt(20))
                        .build());
                i += count;
                assertEquals(0, session.cacheBytesInUse());
            }
            assertTrue(session.nativeByteSize() <= bytes * 1.1, bytes + " bytes grew to " + session.nativeByteSize());
            assertTrue(model.planCount() <= plans + 30, plans + " plans grew to " + model.planCount());
        }
    }

    @Test
    void cancellingFreesTheCache() {
        try (GenerationSession session = new GenerationSession(model, 1)) {
            GenerationRun run = session.start(sources(20, 5), BEAMS, TokenListener.NONE);
            assertThrows(IllegalStateException.class, () -> session.generate(sources(1, 1), GREEDY), "one run at a time");
            for (int i = 0; i < 3; i++) {
                assertTrue(run.step());
            }
            assertTrue(session.cacheBytesInUse() > 0);
            assertThrows(IllegalStateException.class, run::results);
            run.close();
            run.close();
            assertEquals(0, session.cacheBytesInUse());
            assertThrows(IllegalStateException.class, run::step);
            List<List<Generated>> cut = session.generate(sources(5, 6), GREEDY, (source, sequence, token) -> source != 2);
            assertEquals(Finish.CANCELLED, cut.get(2).getFirst().finish());
            assertEquals(1, cut.get(2).getFirst().ids().length);
            Thread.currentThread().interrupt();
            assertThrows(CancellationException.class, () -> session.generate(sources(5, 6), GREEDY));
            assertTrue(Thread.interrupted());
            assertEquals(0, session.cacheBytesInUse());
            assertEquals(5, session.generate(sources(5, 6), GREEDY).size());
        }
    }

    @Test
    void tokensAreStreamedAsTheyAreChosen() {
        List<int[]> sources = sources(10, 7);
        try (GenerationSession session = new GenerationSession(model, 1)) {
            for (GenerationOptions options : List.of(GREEDY, BEAMS)) {
                List<List<Integer>> heard = new ArrayList<>();
                sources.forEach(s -> heard.add(new ArrayList<>()));
                List<List<Generated>> found = session.generate(sources, options, (source, sequence, token) -> heard.get(source).add(token));
                for (int i = 0; i < sources.size(); i++) {
                    List<Integer> ids = Arrays.stream(found.get(i).getFirst().ids()).boxed().toList();
                    assertEquals(ids, heard.get(i));
                    try (Stream<Integer> stream = session.stream(sources.get(i), options)) {
                        assertEquals(ids, stream.toList());
                    }
                }
            }
            try (Stream<Integer> stream = session.stream(sources.getFirst(), GREEDY)) {
                assertEquals(1, stream.limit(1).count());
            }
            assertEquals(0, session.cacheBytesInUse());
            assertEquals(1, session.generate(sources.subList(0, 1), GREEDY).size());
        }
    }

    @Test
    void samplingIsRepeatableAndKeepsToItsCuts() {
        List<int[]> sources = sources(20, 8);
        try (GenerationSession session = new GenerationSession(model, 1)) {
            assertEquals(session.generate(sources, SAMPLED), session.generate(sources, SAMPLED));
            GenerationOptions other = GenerationOptions.builder().maxLength(24).doSample(true).seed(6).temperature(1.5).build();
            assertNotEquals(session.generate(sources, SAMPLED), session.generate(sources, other));
            GenerationOptions one = GenerationOptions.builder().maxLength(24).doSample(true).topK(1).build();
            GenerationOptions narrow = GenerationOptions.builder().maxLength(24).doSample(true).topP(1e-6).build();
            List<List<Generated>> greedy = session.generate(sources, GREEDY);
            assertEquals(greedy, session.generate(sources, one));
            assertEquals(greedy, session.generate(sources, narrow));
            GenerationOptions many = GenerationOptions.builder().maxLength(24).doSample(true).numReturnSequences(8).temperature(2).topK(10)
                    .build();
            Set<List<Integer>> distinct = new HashSet<>();
            session.generate(sources.subList(0, 1), many).getFirst().forEach(g -> distinct.add(Arrays.stream(g.ids()).boxed().toList()));
            assertTrue(distinct.size() > 3, distinct.toString());
        }
    }

    @Test
    void sampledFrequenciesFollowTheProbabilities() {
        float[] logits = model.forced(List.of(new int[] {5, 9, 2}), List.of(new int[] {1})).logits();
        double total = 0;
        for (float logit : logits) {
            total += Math.exp(logit / 1.5);
        }
        int[] counts = new int[37];
        int draws = 20_000;
        try (GenerationSession session = new GenerationSession(model, 1)) {
            for (int i = 0; i < draws / 100; i++) {
                GenerationOptions options = GenerationOptions.builder().maxLength(2).doSample(true).temperature(1.5)
                        .numReturnSequences(100).seed(i).build();
                session.generate(List.of(new int[] {5, 9, 2}), options).getFirst().forEach(g -> counts[g.ids()[0]]++);
            }
        }
        for (int i = 0; i < 37; i++) {
            double p = Math.exp(logits[i] / 1.5) / total;
            assertEquals(p * draws, counts[i], 4 + 4.5 * Math.sqrt(p * draws), "token " + i);
        }
    }

    @Test
    void stopSequencesEndWhereTheyAreComplete() {
        try (GenerationSession session = new GenerationSession(model, 1)) {
            for (int[] source : sources(10, 10)) {
                int[] ids = session.generate(List.of(source), GREEDY).getFirst().getFirst().ids();
                if (ids.length < 4) {
                    continue;
                }
                GenerationOptions options = GenerationOptions.builder().maxLength(24).stopSequence(List.of(ids[1], ids[2])).build();
                Generated stopped = session.generate(List.of(source), options).getFirst().getFirst();
                assertEquals(Finish.STOP, stopped.finish());
                assertArrayEquals(Arrays.copyOf(ids, stopped.ids().length), stopped.ids());
                assertTrue(stopped.ids().length <= 3);
            }
        }
    }

    @Test
    void wrongInputIsRefusedByName() {
        try (GenerationSession session = new GenerationSession(model, 1)) {
            refused("source 1 is empty", () -> session.generate(List.of(new int[] {3}, new int[0]), GREEDY));
            refused("source 0 has 49 tokens, the model's positions end at 48", () -> session.generate(sourceOf(49, 5), GREEDY));
            refused("source 0: token 0 has id 37, the vocabulary has 0 to 36", () -> session.generate(sourceOf(1, 37), GREEDY));
            refused("source 0: token 0 has id -1", () -> session.generate(sourceOf(1, -1), GREEDY));
            refused("source 0: token 0 is pad_token_id 0", () -> session.generate(sourceOf(1, 0), GREEDY));
            refused("num_beams 38 is more than the vocabulary's 37 tokens", () ->
                    session.generate(sourceOf(1, 5), GenerationOptions.beams(38)));
            refused("max_length 49 is more than the model's 48 positions",
                    () -> session.generate(sourceOf(1, 5), GenerationOptions.builder().maxLength(49).build()));
            refused("forced_bos_token_id is 40", () ->
                    session.generate(sourceOf(1, 5), GenerationOptions.builder().forcedBosTokenId(40).build()));
            refused("a stop sequence has id 99", () ->
                    session.generate(sourceOf(1, 5), GenerationOptions.builder().stopSequence(List.of(99)).build()));
            refused("200 sequences of one source are more than the session's 128 rows", () -> session.generate(sourceOf(1, 5),
                    GenerationOptions.builder().doSample(true).numReturnSequences(200).build()));
            assertEquals(0, session.generate(List.of(), GREEDY).size());
            assertEquals(1, session.generate(sourceOf(48, 5), GenerationOptions.greedy()).size(), "a refused run leaves the session free");
        }
    }

    private static List<int[]> sourceOf(int length, int id) {
        int[] source = new int[length];
        Arrays.fill(source, id);
        return List.of(source);
    }

    @Test
    void optionsThatContradictEachOtherAreRefused() {
        refused("num_return_sequences 3 is more than num_beams 2", () ->
                GenerationOptions.builder().numBeams(2).numReturnSequences(3).build());
        refused("min_length 9 is more than max_length 8", () -> GenerationOptions.builder().minLength(9).maxLength(8).build());
        refused("temperature, top_k and top_p need do_sample", () -> GenerationOptions.builder().topK(5).build());
        refused("early_stopping has a meaning only with num_beams > 1",
                () -> GenerationOptions.builder().earlyStopping(GenerationOptions.EarlyStopping.TRUE).build());
        refused("temperature must be positive", () -> GenerationOptions.builder().doSample(true).temperature(0).build());
        refused("top_p must be 0 to 1", () -> GenerationOptions.builder().doSample(true).topP(-0.1).build());
        refused("max_length must be 2 or more", () -> GenerationOptions.builder().maxLength(1).build());
        refused("repetition_penalty must be positive", () -> GenerationOptions.builder().repetitionPenalty(0).build());
        refused("max_length and max_new_tokens exclude each other", () -> GenerationOptions.builder().maxLength(5).maxNewTokens(5).build());
        GenerationOptions five = GenerationOptions.builder().maxNewTokens(5).build();
        assertEquals(6, five.toBuilder().maxLength(9).maxNewTokens(6).build().maxNewTokens());
        refused("a stop sequence is empty", () -> GenerationOptions.builder().stopSequence(List.of()).build());
    }

    private static void refused(String message, org.junit.jupiter.api.function.Executable call) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void scoresThatAreNoNumbersAreAnError() {
        for (float poison : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            try (Seq2SeqModel broken = RandomModels.create(20, 16, 2, 32, poison);
                    GenerationSession session = new GenerationSession(broken, 1)) {
                for (GenerationOptions options : List.of(GREEDY, BEAMS)) {
                    GenerationException e = assertThrows(GenerationException.class, () -> session.generate(sourceOf(3, 5), options));
                    assertTrue(e.getMessage().startsWith("source 0, target position 1: the model's scores are not numbers"),
                            e.getMessage());
                    assertEquals(0, session.cacheBytesInUse());
                }
            }
        }
    }

    @Test
    void useAfterCloseIsAnException() {
        GenerationSession session = new GenerationSession(model, 1);
        GenerationRun run = session.start(sources(3, 1), GREEDY, TokenListener.NONE);
        assertTrue(run.step());
        session.close();
        session.close();
        assertThrows(IllegalStateException.class, run::step);
        run.close();
        assertThrows(IllegalStateException.class, () -> session.generate(sources(3, 1), GREEDY));
        Seq2SeqModel own = RandomModels.create(20, 16, 2, 32, 0);
        try (GenerationSession orphan = new GenerationSession(own, 1)) {
            assertFalse(orphan.generate(sourceOf(2, 5), GREEDY).isEmpty());
            own.close();
            assertThrows(IllegalStateException.class, () -> orphan.generate(sourceOf(2, 5), GREEDY));
        }
    }
}
