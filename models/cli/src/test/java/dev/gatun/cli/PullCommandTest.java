package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.gatun.models.checkpoint.ModelPath;
import dev.gatun.models.hub.HubCache;
import dev.gatun.models.hub.HubName;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Downloads from a local server that answers as the hub does: some files by itself, large ones by a redirect to a store. */
class PullCommandTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final String LARGE = "model.safetensors";
    private static final HubName NAME = HubName.parse("owner/tiny");

    @TempDir
    Path folder;

    private final Map<String, byte[]> files = new TreeMap<>();
    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
    private final List<String> authorized = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, String> environment = new HashMap<>();
    private HttpServer hub;
    private HttpServer store;
    /** Bytes that the store sends before it cuts the connection; each entry once. */
    private final List<Integer> cuts = Collections.synchronizedList(new ArrayList<>());
    private volatile int flip = -1;
    private volatile boolean ranges = true;
    private volatile String wantedToken = "";

    @BeforeEach
    void start() throws IOException {
        for (String file : List.of("config.json", "tokenizer.json", LARGE)) {
            files.put(file, Files.readAllBytes(Goldens.path("bert/tiny").resolve(file)));
        }
        files.put("1_Pooling/config.json", "{\"pooling_mode_mean_tokens\": true}".getBytes());
        files.put("README.md", new byte[10]);
        files.put("pytorch_model.bin", new byte[10]);
        files.put("onnx/model.onnx", new byte[10]);
        hub = server(this::hub);
        store = server(this::store);
        environment.put("HF_ENDPOINT", "http://localhost:" + hub.getAddress().getPort() + "/");
        environment.put("HF_HOME", folder.resolve("hf").toString());
    }

    private static HttpServer server(com.sun.net.httpserver.HttpHandler handler) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                handler.handle(exchange);
            }
        });
        server.start();
        return server;
    }

    @AfterEach
    void stop() {
        hub.stop(0);
        store.stop(0);
    }

    private static String hash(String algorithm, byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            for (byte[] part : parts) {
                digest.update(part);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static String git(byte[] content) {
        return hash("SHA-1", ("blob " + content.length + "\0").getBytes(), content);
    }

    private void hub(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        asked.add(exchange.getRequestMethod() + " " + path);
        String token = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
        authorized.add(token);
        if (!wantedToken.isEmpty() && !token.equals("Bearer " + wantedToken)) {
            exchange.sendResponseHeaders(401, -1);
        } else if (path.equals("/api/models/owner/tiny/revision/main") || path.equals("/api/models/owner/tiny/revision/v1")) {
            byte[] json = ("{\"sha\": \"" + COMMIT + "\", \"siblings\": ["
                    + files.keySet().stream().map(f -> "{\"rfilename\": \"" + f + "\"}")
                    .collect(Collectors.joining(",")) + "]}").getBytes();
            exchange.sendResponseHeaders(200, json.length);
            exchange.getResponseBody().write(json);
        } else if (path.startsWith("/owner/tiny/resolve/" + COMMIT + "/")) {
            file(exchange, path.substring(("/owner/tiny/resolve/" + COMMIT + "/").length()));
        } else {
            exchange.sendResponseHeaders(404, -1);
        }
    }

    private void file(HttpExchange exchange, String name) throws IOException {
        byte[] content = files.get(name);
        if (name.equals(LARGE)) {
            exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + hash("SHA-256", content) + "\"");
            exchange.getResponseHeaders().set("X-Linked-Size", Integer.toString(content.length));
            exchange.getResponseHeaders().set("Location", "http://127.0.0.1:" + store.getAddress().getPort() + "/" + name);
            exchange.sendResponseHeaders(302, -1);
            return;
        }
        exchange.getResponseHeaders().set("ETag", "W/\"" + git(content) + "\"");
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", Integer.toString(content.length));
            exchange.sendResponseHeaders(200, -1);
        } else {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content);
        }
    }

    private void store(HttpExchange exchange) throws IOException {
        byte[] content = files.get(LARGE).clone();
        String range = exchange.getRequestHeaders().getFirst("Range");
        asked.add("store " + range);
        authorized.add("store " + exchange.getRequestHeaders().getFirst("Authorization"));
        int from = range == null || !ranges ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
        if (flip >= 0) {
            content[flip] ^= 1;
        }
        if (from > 0) {
            exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
        int count = cuts.isEmpty() ? content.length - from : Math.min(cuts.removeFirst(), content.length - from);
        exchange.getResponseBody().write(content, from, count);
        exchange.getResponseBody().flush();
    }

    private Path pull(HubName name) throws IOException, InterruptedException {
        return new HubDownload(environment, folder.toString(), (file, bytes, of) -> assertTrue(bytes <= of)).pull(name);
    }

    private String refused() {
        return assertThrows(IOException.class, () -> pull(NAME)).getMessage();
    }

    private Path blobs() {
        return HubCache.of(environment, folder.toString()).repository(NAME).resolve("blobs");
    }

    @Test
    void aPulledModelIsFoundByNameAndLoads() throws Exception {
        Path snapshot = pull(HubName.parse("owner/tiny@v1"));
        HubCache cache = HubCache.of(environment, folder.toString());
        assertEquals(folder.resolve("hf/hub/models--owner--tiny/snapshots/" + COMMIT), snapshot);
        assertEquals(snapshot, ModelPath.resolve(Path.of("owner/tiny@v1"), cache));
        try (Stream<Path> found = Files.walk(snapshot)) {
            assertEquals(List.of("1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json"),
                    found.filter(f -> !Files.isDirectory(f)).map(f -> snapshot.relativize(f).toString()).sorted().toList());
        }
        for (String file : List.of("config.json", "1_Pooling/config.json", LARGE)) {
            assertTrue(Files.isSymbolicLink(snapshot.resolve(file)));
            assertArrayEquals(files.get(file), Files.readAllBytes(snapshot.resolve(file)));
        }
        try (EmbeddingModel model = EmbeddingModel.load(snapshot)) {
            assertEquals(40, model.dimension());
        }
        asked.clear();
        pull(NAME);
        assertTrue(asked.stream().noneMatch(line -> line.startsWith("store") || line.startsWith("GET /owner")),
                "what is there is not fetched: " + asked);
        assertEquals(snapshot, ModelPath.resolve(Path.of("owner/tiny"), cache));
    }

    @Test
    void cutConnectionsGoOnWhereTheyWereCut() throws Exception {
        int size = files.get(LARGE).length;
        cuts.addAll(List.of(1000, 0, 70_000));
        assertArrayEquals(files.get(LARGE), Files.readAllBytes(pull(NAME).resolve(LARGE)));
        List<String> store = asked.stream().filter(line -> line.startsWith("store")).toList();
        assertEquals("store null", store.getFirst());
        assertTrue(store.contains("store bytes=1000-"), store.toString());
        assertTrue(size > 71_000);
    }

    @Test
    void aServerThatIsGoneLeavesWhatArrivedForTheNextTry() throws Exception {
        cuts.addAll(List.of(5000, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        String message = refused();
        assertTrue(message.contains("model.safetensors: the connection was cut after 5000 of " + files.get(LARGE).length), message);
        assertTrue(message.contains("the same command goes on from there"), message);
        assertFalse(Files.exists(blobs().resolveSibling("refs/main")), "a model that is not whole has no name");
        cuts.clear();
        asked.clear();
        assertArrayEquals(files.get(LARGE), Files.readAllBytes(pull(NAME).resolve(LARGE)));
        assertTrue(asked.contains("store bytes=5000-"), asked.toString());
    }

    @Test
    void aServerWithoutRangesIsAskedForAll() throws Exception {
        ranges = false;
        cuts.addAll(List.of(5000));
        assertArrayEquals(files.get(LARGE), Files.readAllBytes(pull(NAME).resolve(LARGE)));
    }

    @Test
    void wrongChecksumsAreRefusedAndLeaveNothing() throws Exception {
        flip = 777;
        String message = refused();
        assertTrue(message.contains("model.safetensors: arrived damaged: its checksum is")
                && message.contains(hash("SHA-256", files.get(LARGE))), message);
        try (Stream<Path> left = Files.list(blobs())) {
            assertTrue(left.noneMatch(f -> f.getFileName().toString().startsWith(hash("SHA-256", files.get(LARGE)))));
        }
        flip = -1;
        byte[] wrong = Arrays.copyOf(files.get(LARGE), 3000);
        wrong[5] ^= 1;
        Files.write(blobs().resolve(hash("SHA-256", files.get(LARGE)) + ".incomplete"), wrong);
        assertArrayEquals(files.get(LARGE), Files.readAllBytes(pull(NAME).resolve(LARGE)));
    }

    @Test
    void theTokenGoesToTheHubAlone() throws Exception {
        wantedToken = "hf_secret";
        assertTrue(refused().contains("wants a token: set HF_TOKEN"));
        environment.put("HF_TOKEN", "hf_other");
        assertTrue(refused().contains("wants another token"));
        environment.put("HF_TOKEN", "hf_secret");
        authorized.clear();
        pull(NAME);
        assertTrue(authorized.contains("Bearer hf_secret") && authorized.contains("store null"), authorized.toString());
        environment.remove("HF_TOKEN");
        Files.writeString(folder.resolve("hf/token"), "hf_secret\n");
        pull(NAME);
    }

    @Test
    void whatTheHubSaysIsNotTrusted() throws Exception {
        for (String bad : List.of("../evil.json", "/etc/evil.json", "a/../evil.json", ".hidden.json")) {
            files.put(bad, "{}".getBytes());
            try {
                pull(NAME);
            } catch (IOException e) {
                assertTrue(e.getMessage().contains("evil.json") || e.getMessage().contains("hidden"), e.getMessage());
            }
            files.remove(bad);
        }
        try (Stream<Path> all = Files.walk(folder)) {
            assertTrue(all.noneMatch(f -> f.toString().contains("evil")));
        }
    }

    @Test
    void modelsThatGatunCannotReadAreNotDownloaded() {
        files.remove(LARGE);
        files.remove("onnx/model.onnx");
        String message = refused();
        assertTrue(message.contains("owner/tiny has neither model.safetensors nor model.onnx") && message.contains("python -c"), message);
        assertTrue(assertThrows(IOException.class, () -> pull(HubName.parse("owner/none"))).getMessage().contains("has no such model"));
        hub.stop(0);
        assertTrue(refused().contains("localhost cannot be reached: "));
        environment.put("HF_ENDPOINT", "ftp://x");
        assertTrue(refused().contains("HF_ENDPOINT is ftp://x"));
    }

    @Test
    void onnxIsTakenWhereThereIsNothingBetter() throws IOException {
        assertEquals(List.of("config.json", "onnx/model.onnx"),
                HubFiles.wanted(NAME, List.of("config.json", "onnx/model.onnx", "onnx/model_quantized.onnx",
                "onnx/config.json", "README.md", "pytorch_model.bin")));
        assertEquals(List.of("2_Dense/model.safetensors", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                "model.safetensors.index.json", "spiece.model", "vocab.txt"),
                        HubFiles.wanted(NAME, List.of("model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors", "model.safetensors.index.json", "spiece.model", "vocab.txt",
                        "2_Dense/model.safetensors",
                "model.fp16.safetensors", ".gitattributes", "notes.txt", "onnx/model.onnx")));
    }
}
