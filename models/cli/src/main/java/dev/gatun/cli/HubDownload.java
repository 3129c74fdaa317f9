package dev.gatun.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.hub.HubCache;
import dev.gatun.models.hub.HubName;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Downloads a model of the Hugging Face hub into the local cache, in the layout of {@code huggingface_hub}. What is there already is not
 * asked for again; a file appears under its name when its checksum is right. The only code of Gatun that opens a connection.
 */
final class HubDownload {
    private static final String HUB = "https://huggingface.co";
    private static final int MOST_REDIRECTS = 5;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_][\\w .+-]{0,200}");
    private static final Pattern LOCAL = Pattern.compile("localhost|127\\.0\\.0\\.1|\\[::1]");

    private final HubCache cache;
    private final URI endpoint;
    private final String token;
    private final BlobDownload.Listener listener;
    private final HttpClient client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).connectTimeout(PATIENCE).build();

    /**
     * @param environment HF_ENDPOINT, HF_TOKEN or a token file, and what names the cache
     * @param home        the user's folder
     */
    HubDownload(Map<String, String> environment, String home, BlobDownload.Listener listener) throws IOException {
        this.cache = HubCache.of(environment, home);
        String base = environment.getOrDefault("HF_ENDPOINT", "").isBlank() ? HUB : environment.get("HF_ENDPOINT").replaceAll("/+$", "");
        if (!base.matches("https?://[^/?#@]+(/[^?#]*)?")) {
            throw new IOException("HF_ENDPOINT is " + base + ", expected an address such as " + HUB);
        }
        this.endpoint = URI.create(base);
        this.token = token(environment, home);
        this.listener = listener;
    }

    private static String token(Map<String, String> environment, String home) throws IOException {
        String own = environment.getOrDefault("HF_TOKEN", "").strip();
        Path file = Path.of(environment.getOrDefault("HF_TOKEN_PATH", HubCache.home(environment, home).resolve("token").toString()));
        return !own.isEmpty() ? own : Files.isRegularFile(file) ? Files.readString(file).strip() : "";
    }

    /**
     * Downloads what Gatun reads of a model.
     *
     * @return the folder that {@code --model} takes
     * @throws IOException that names the model, and what to do
     */
    Path pull(HubName name) throws IOException, InterruptedException {
        JsonNode model = model(name);
        String commit = model.path("sha").asText("");
        if (!COMMIT.matcher(commit).matches()) {
            throw new IOException(endpoint + " does not say which commit " + name + " is");
        }
        List<String> files = new ArrayList<>();
        model.path("siblings").forEach(file -> files.add(file.path("rfilename").asText("")));
        Path repository = cache.repository(name);
        Path snapshot = repository.resolve("snapshots").resolve(commit);
        for (String file : HubFiles.wanted(name, files)) {
            Path at = place(snapshot, file);
            link(at, blob(repository.resolve("blobs"), name, commit, file));
        }
        if (!commit.equals(name.revision())) {
            write(repository.resolve("refs").resolve(name.revision()), commit);
        }
        return snapshot;
    }

    private JsonNode model(HubName name) throws IOException, InterruptedException {
        URI address = URI.create(endpoint + "/api/models/" + name.repository() + "/revision/" + name.revision().replace("/", "%2F"));
        HttpResponse<String> answer = follow("GET", address, HttpResponse.BodyHandlers.ofString());
        require(answer, name.toString());
        return new ObjectMapper().readTree(answer.body());
    }

    private void require(HttpResponse<?> answer, String what) throws IOException {
        switch (answer.statusCode()) {
            case 200, 206 -> { }
            case 401, 403 -> throw new IOException(what + ": " + answer.uri().getHost() + " wants "
                    + (token.isEmpty() ? "a token: set HF_TOKEN"
                    : "another token, or that its terms are accepted on its page"));
            case 404 -> throw new IOException(what + ": " + endpoint + " has no such model, revision or file"
                    + (token.isEmpty() ? "; if it is private, set HF_TOKEN" : ""));
            default -> throw new IOException(what + ": " + answer.uri().getHost() + " answers with status " + answer.statusCode());
        }
    }

    /** A request, and the redirects that stay on this server: others lead to stores that know nothing of the model. */
    private <T> HttpResponse<T> follow(String method, URI address, HttpResponse.BodyHandler<T> body) throws IOException,
            InterruptedException {
        for (int i = 0; i < MOST_REDIRECTS; i++) {
            HttpResponse<T> answer = send(request(address).method(method, HttpRequest.BodyPublishers.noBody()).build(), body);
            String location = answer.headers().firstValue("location").orElse("");
            if (answer.statusCode() / 100 != 3 || !location.startsWith("/") || location.startsWith("//")) {
                return answer;
            }
            address = address.resolve(location);
        }
        throw new IOException(address + ": leads in circles");
    }

    private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> body) throws IOException, InterruptedException {
        try {
            return client.send(request, body);
        } catch (IOException e) {
            throw new IOException(request.uri().getHost() + " cannot be reached: "
                    + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage())
                    + "; HF_ENDPOINT names another server", e);
        }
    }

    /** The token goes to the hub alone, and never in plain text over a network. */
    private HttpRequest.Builder request(URI address) {
        HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(PATIENCE).header("User-Agent", "gatun")
                .header("Accept-Encoding", "identity");
        boolean hub = endpoint.getScheme().equals(address.getScheme()) && endpoint.getAuthority().equals(address.getAuthority());
        boolean hidden = address.getScheme().equals("https") || LOCAL.matcher(String.valueOf(address.getHost())).matches();
        return token.isEmpty() || !hub || !hidden ? request : request.header("Authorization", "Bearer " + token);
    }

    private Path blob(Path blobs, HubName name, String commit, String file) throws IOException, InterruptedException {
        URI address = URI.create(endpoint + "/" + name.repository() + "/resolve/" + commit + "/"
                + file.replace("%", "%25").replace(" ", "%20"));
        HttpResponse<Void> head = follow("HEAD", address, HttpResponse.BodyHandlers.discarding());
        String location = head.headers().firstValue("location").orElse("");
        boolean elsewhere = head.statusCode() / 100 == 3 && !location.isEmpty();
        if (!elsewhere) {
            require(head, name + "/" + file);
        }
        String etag = head.headers().firstValue("x-linked-etag").or(() -> head.headers().firstValue("etag")).orElse("");
        String length = head.headers().firstValue("x-linked-size").or(() -> head.headers().firstValue("content-length")).orElse("");
        if (!length.matches("\\d{1,15}")) {
            throw new IOException(name + "/" + file + ": the server does not say how large it is");
        }
        BlobDownload.Blob blob = new BlobDownload.Blob(file, etag.replaceAll("^W/|\"", ""), Long.parseLong(length));
        URI source = elsewhere ? head.uri().resolve(location) : head.uri();
        if (endpoint.getScheme().equals("https") && !"https".equals(source.getScheme())) {
            throw new IOException(name + "/" + file + ": the server leads to " + source.getScheme() + "://" + source.getHost()
                    + ", expected https");
        }
        return new BlobDownload(client, blobs, listener).fetch(blob, () -> request(source));
    }

    /** Where a file of the model belongs; its name comes from the server. */
    private static Path place(Path snapshot, String file) throws IOException {
        Path at = snapshot;
        for (String part : file.split("/", -1)) {
            if (!PART.matcher(part).matches() || part.equals("..")) {
                throw new IOException("the server names a file " + file + ", which is no plain name");
            }
            at = at.resolve(part);
        }
        return at;
    }

    private static void link(Path at, Path blob) throws IOException {
        Files.createDirectories(at.getParent());
        Path target = at.getParent().relativize(blob);
        if (Files.isSymbolicLink(at) && Files.readSymbolicLink(at).equals(target)) {
            return;
        }
        Path link = at.resolveSibling(UUID.randomUUID() + ".tmp");
        try {
            Files.createSymbolicLink(link, target);
        } catch (UnsupportedOperationException e) {
            Files.copy(blob, link);
        }
        Files.move(link, at, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(file + ": is a folder, expected a reference");
        }
        Path temporary = file.resolveSibling(UUID.randomUUID() + ".tmp");
        Files.writeString(temporary, text);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
