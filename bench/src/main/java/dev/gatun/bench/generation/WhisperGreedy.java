package dev.gatun.bench.generation;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.family.whisper.WhisperModel;
import dev.gatun.models.generate.Encoded;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.TokenListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Our side of {@code bench/whisper_ort.py}: its folder, a window of 30 s, a prompt and so many tokens. Arguments as there. */
public final class WhisperGreedy {
    private static final int[] PROMPT = {50258, 50259, 50359, 50363};
    private static final int ROUNDS = 5;

    private WhisperGreedy() {
    }

    /** Prints the milliseconds of each round, and the tokens. */
    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        int tokens = Integer.parseInt(arguments[1]);
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("features.f32"))).order(ByteOrder.LITTLE_ENDIAN);
        float[] features = new float[file.remaining() / Float.BYTES];
        file.asFloatBuffer().get(features);
        GenerationOptions options = GenerationOptions.builder().maxNewTokens(tokens).minLength(PROMPT.length + tokens).build();
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(folder));
                GenerationSession session = model.newSession(Integer.parseInt(arguments[2]))) {
            int[] found = new int[0];
            for (int round = 0; round < ROUNDS; round++) {
                long start = System.nanoTime();
                try (Encoded window = session.encode(model.window(features), plan -> { })) {
                    long encoded = System.nanoTime();
                    found = session.generateFrom(List.of(window.from(PROMPT)), options, TokenListener.NONE).getFirst().getFirst().ids();
                    long end = System.nanoTime();
                    System.out.printf("encoder %d ms, %d tokens %d ms, all %d ms%n", (encoded - start) / 1_000_000, found.length,
                            (end - encoded) / 1_000_000, (end - start) / 1_000_000);
                }
            }
            System.out.println(Arrays.toString(Arrays.copyOf(found, Math.min(found.length, 20))));
        }
    }
}
