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

/** Our side of {@code bench/whisper_ort.py}, which runs first: its folder, a window of 30 s, a prompt, its tokens. Arguments as there. */
public final class WhisperGreedy {
    private static final int[] PROMPT = {50258, 50259, 50359, 50363};
    private static final int ROUNDS = 3;
    /** Rounding may decide between two tokens; then everything behind differs. So few are compared. */
    private static final int COMPARED = 16;

    private WhisperGreedy() {
    }

    /** Prints the milliseconds of each round, and whether the first tokens are ONNX Runtime's: ends with 1 if they are not. */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 3 || !Files.exists(Path.of(arguments[0]).resolve("tokens.txt"))) {
            System.err.println("usage: WhisperGreedy FOLDER TOKENS THREADS, after bench/whisper_ort.py with the same three");
            System.exit(2);
        }
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
            compare(Files.readString(folder.resolve("tokens.txt")), found);
        }
    }

    private static void compare(String expected, int[] found) {
        int[] theirs = Arrays.stream(expected.strip().split(" ")).mapToInt(Integer::parseInt).limit(COMPARED).toArray();
        int[] ours = Arrays.copyOf(found, Math.min(found.length, COMPARED));
        boolean same = Arrays.equals(theirs, ours);
        System.out.println(same ? "the first " + ours.length + " tokens are the same"
                : "tokens differ: " + Arrays.toString(ours) + ", ONNX Runtime has " + Arrays.toString(theirs));
        if (!same) {
            System.exit(1);
        }
    }
}
