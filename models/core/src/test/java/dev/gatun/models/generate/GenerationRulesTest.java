package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.Generated.Finish;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.PrefixConstraint;
import dev.gatun.models.generate.logits.RemoveInvalid;
import dev.gatun.models.generate.logits.TokenContext;
import dev.gatun.models.generate.logits.TokenScores;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.RandomModels;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What ends sequences, what they begin with, and processors of a user's own. */
class GenerationRulesTest {
    private static final int VOCAB = 37;

    private static Seq2SeqModel model;

    @BeforeAll
    static void load() {
        model = Seq2SeqModel.load(Goldens.path("transformer/token/tied-sinusoidal-post-relu"));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static GenerationOptions.Builder options() {
        return GenerationOptions.builder().maxLength(24);
    }

    private static List<int[]> sources(int count) {
        Random random = new Random(31);
        List<int[]> sources = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sources.add(random.ints(1 + random.nextInt(20), 3, VOCAB).toArray());
        }
        return sources;
    }

    private static void refused(String message, GenerationOptions options, Source source) {
        try (GenerationSession session = new GenerationSession(model, 1)) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                    () -> session.generateFrom(List.of(source), options, TokenListener.NONE));
            assertTrue(e.getMessage().contains(message), e.getMessage());
            assertEquals(0, session.cacheBytesInUse());
        }
    }

    /** Tokens cut texts anywhere, in the middle of a letter too: é is two bytes, of two tokens. */
    @Test
    void stopStringsEndWithTheTokenThatCompletesThem() {
        byte[] letters = "aé".getBytes(StandardCharsets.UTF_8);
        IntFunction<byte[]> bytes = id -> switch (id % 4) {
            case 0 -> Arrays.copyOfRange(letters, 0, 2);
            case 1 -> Arrays.copyOfRange(letters, 2, 3);
            default -> ("x" + id % 3 + "y").getBytes(StandardCharsets.UTF_8);
        };
        int stopped = 0;
        try (GenerationSession session = new GenerationSession(model, 1)) {
            for (List<String> strings : List.of(List.of("é"), List.of("0yx1", "2yx2yx"), List.of("y"))) {
                GenerationOptions stop = options().tokenBytes(bytes).stopString(strings.getFirst()).stopString(strings.getLast()).build();
                List<List<Generated>> free = session.generate(sources(40), options().build());
                List<List<Generated>> found = session.generate(sources(40), stop);
                for (int i = 0; i < free.size(); i++) {
                    int[] ids = free.get(i).getFirst().ids();
                    int end = firstStop(ids, bytes, strings);
                    assertArrayEquals(Arrays.copyOf(ids, Math.min(end, ids.length)), found.get(i).getFirst().ids(), strings + " " + i);
                    boolean byStop = end <= ids.length && ids[end - 1] != 2;
                    stopped += byStop ? 1 : 0;
                    assertEquals(byStop ? Finish.STOP : free.get(i).getFirst().finish(), found.get(i).getFirst().finish());
                }
            }
        }
        assertTrue(stopped > 20, stopped + " stopped");
        refused("stop_strings [a] need the texts of tokens", options().stopString("a").build(), new Source.Tokens(new int[] {5}));
    }

    private static int firstStop(int[] ids, IntFunction<byte[]> bytes, List<String> strings) {
        StringBuilder text = new StringBuilder();
        // The start token's text counts.
        text.append(new String(bytes.apply(1), StandardCharsets.ISO_8859_1));
        for (int end = 1; end <= ids.length; end++) {
            int before = text.length();
            text.append(new String(bytes.apply(ids[end - 1]), StandardCharsets.ISO_8859_1));
            for (String string : strings) {
                String raw = new String(string.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
                if (text.indexOf(raw, Math.max(0, before - raw.length() + 1)) >= 0) {
                    return end;
                }
            }
        }
        return Integer.MAX_VALUE;
    }

    @Test
    void afterTheTimeSequencesEndWithTheirNextToken() {
        try (GenerationSession session = new GenerationSession(model, 1)) {
            for (int beams : new int[] {1, 3}) {
                GenerationOptions short1 = options().numBeams(beams).minLength(5).maxTime(Duration.ofNanos(1)).build();
                for (List<Generated> found : session.generate(sources(5), short1)) {
                    assertEquals(Finish.TIME, found.getFirst().finish());
                    assertEquals(1, found.getFirst().ids().length);
                }
            }
        }
    }

    @Test
    void invalidValuesAreRemovedWhereThatIsAsked() {
        for (int beams : new int[] {1, 2}) {
            try (Seq2SeqModel broken = RandomModels.create(20, 16, 2, 32, Float.NaN);
                    GenerationSession session = new GenerationSession(broken, 1)) {
                GenerationOptions repaired = GenerationOptions.builder().maxLength(5).numBeams(beams).processor(new RemoveInvalid())
                        .build();
                Generated found = session.generate(List.of(new int[] {5, 6}), repaired).getFirst().getFirst();
                // Every score is 0, or one that was a number: there is a token, and no NaN comes out.
                assertTrue(found.ids().length > 0 && !Double.isNaN(found.score()), found.toString());
            }
        }
    }

    @Test
    void promptsAreCheckedAndSeenByProcessorsThatAskForIt() {
        int[] source = {5, 9, 3};
        int[] prompt = {1, 9, 14, 5};
        List<Integer> lengths = new ArrayList<>();
        double[] raw = new double[VOCAB];
        LogitsProcessor watch = new LogitsProcessor() {
            @Override
            public void process(TokenScores scores, TokenContext context) {
                lengths.add(context.length());
                assertEquals(4, context.promptLength());
                assertEquals(3, context.sourceLength());
                for (int id = 0; context.length() == 2 && id < VOCAB; id++) {
                    raw[id] = scores.get(id);
                }
            }

            @Override
            public boolean seesPrompt() {
                return true;
            }
        };
        try (GenerationSession session = new GenerationSession(model, 1)) {
            session.generateFrom(List.of(new Source.Tokens(source, prompt)), options().maxLength(7).minLength(7).processor(watch).build(),
                    TokenListener.NONE);
        }
        assertEquals(List.of(1, 2, 3, 4, 5, 6), lengths);
        float[] logits = model.forced(List.of(source), List.of(prompt)).logits();
        for (int id = 0; id < VOCAB; id++) {
            assertEquals(logits[VOCAB + id], raw[id], 1e-4, "token " + id);
        }
        refused("the prompt of source 0 has id 37", options().build(), new Source.Tokens(source, new int[] {1, 37}));
        refused("the prompt of source 0 is empty", options().build(), new Source.Tokens(source, new int[0]));
        refused("has 4 tokens, at most 4 may be there", options().maxLength(4).build(), new Source.Tokens(source, prompt));
        refused("max_new_tokens 45 after a prompt of 4 tokens are more than the model's 48 positions",
                GenerationOptions.builder().maxNewTokens(45).build(), new Source.Tokens(source, prompt));
        refused("the prefix function allows no token after 1 tokens of source 0",
                options().processor(new PrefixConstraint(context -> new int[0])).build(), new Source.Tokens(source));
        refused("forced_bos_token_id is 99", options().forcedBosTokenId(99).build(), new Source.Tokens(source));
        refused("forced_eos_token_id is 99", options().forcedEosTokenId(99).build(), new Source.Tokens(source));
        refused("eos_token_id is 40", options().eosTokenIds(List.of(2, 40)).build(), new Source.Tokens(source));
    }

    /** Where there is no room to read the prompt of all sequences in one step, they read it together in several. */
    @Test
    void sequencesOfASourceReadALongPromptTogether() {
        Source.Tokens source = new Source.Tokens(new int[] {5, 9, 3}, new Random(3).ints(30, 3, VOCAB).toArray());
        for (GenerationOptions options : List.of(options().maxLength(48).doSample(true).numReturnSequences(6).build(),
                options().maxLength(48).numBeams(6).numReturnSequences(6).beamGroups(6, 3).build())) {
            try (GenerationSession wide = new GenerationSession(model, 1, 256);
                    GenerationSession narrow = new GenerationSession(model, 1, 7)) {
                List<List<Generated>> expected = wide.generateFrom(List.of(source, source), options, TokenListener.NONE);
                List<List<Generated>> found = narrow.generateFrom(List.of(source, source), options, TokenListener.NONE);
                for (int i = 0; i < 12; i++) {
                    assertArrayEquals(expected.get(i / 6).get(i % 6).ids(), found.get(i / 6).get(i % 6).ids(), "sequence " + i);
                }
            }
        }
    }

    /** Two continuations are drawn without putting one back: how often each is among them follows from the probabilities. */
    @Test
    void beamsAreDrawnByTheirProbabilities() {
        int[] source = {5, 9, 2};
        float[] logits = model.forced(List.of(source), List.of(new int[] {1})).logits();
        double total = 0;
        for (float logit : logits) {
            total += Math.exp(logit / 2);
        }
        double[] p = new double[VOCAB];
        for (int i = 0; i < VOCAB; i++) {
            p[i] = Math.exp(logits[i] / 2) / total;
        }
        int[] counts = new int[VOCAB];
        int draws = 12_000;
        List<int[]> sources = Collections.nCopies(60, source);
        try (GenerationSession session = new GenerationSession(model, 1)) {
            for (int i = 0; i < draws / 60; i++) {
                GenerationOptions drawn = GenerationOptions.builder().maxLength(2).doSample(true).temperature(2).numBeams(2)
                        .numReturnSequences(2).seed(i).build();
                for (List<Generated> pair : session.generate(sources, drawn)) {
                    assertTrue(pair.get(0).score() >= pair.get(1).score());
                    pair.forEach(g -> counts[g.ids()[0]]++);
                }
            }
        }
        for (int a = 0; a < VOCAB; a++) {
            double in = p[a];
            for (int b = 0; b < VOCAB; b++) {
                in += b == a ? 0 : p[b] * p[a] / (1 - p[b]);
            }
            assertEquals(in * draws, counts[a], 4 + 4.5 * Math.sqrt(in * (1 - in) * draws), "token " + a);
        }
    }
}
