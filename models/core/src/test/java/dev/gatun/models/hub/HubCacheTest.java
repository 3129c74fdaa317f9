package dev.gatun.models.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.ModelPath;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubCacheTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    Path folder;

    /** As huggingface_hub writes it: blobs by their checksums, links to them. */
    private Path snapshot(HubCache cache, HubName name, String commit) throws IOException {
        Path repository = cache.repository(name);
        Path snapshot = Files.createDirectories(repository.resolve("snapshots").resolve(commit));
        Path blobs = Files.createDirectories(repository.resolve("blobs"));
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Files.copy(Goldens.path("bert/tiny").resolve(file), blobs.resolve("blob-" + file));
            Files.createSymbolicLink(snapshot.resolve(file), Path.of("..", "..", "blobs", "blob-" + file));
        }
        Path reference = repository.resolve("refs").resolve(name.revision());
        Files.createDirectories(reference.getParent());
        Files.writeString(reference, commit);
        return snapshot;
    }

    @Test
    void theEnvironmentNamesTheFolder() {
        assertEquals(Path.of("/home/u/.cache/huggingface/hub"), HubCache.of(Map.of(), "/home/u").folder());
        assertEquals(Path.of("/x/huggingface/hub"), HubCache.of(Map.of("XDG_CACHE_HOME", "/x"), "/home/u").folder());
        assertEquals(Path.of("/hf/hub"), HubCache.of(Map.of("HF_HOME", "/hf", "XDG_CACHE_HOME", "/x"), "/home/u").folder());
        assertEquals(Path.of("/home/u/hf/hub"), HubCache.of(Map.of("HF_HOME", "~/hf"), "/home/u").folder());
        assertEquals(Path.of("/c"), HubCache.of(Map.of("HF_HUB_CACHE", "/c", "HF_HOME", "/hf"), "/home/u").folder());
    }

    @Test
    void aNameLeadsToTheSnapshotOfItsRevisionAndLoads() throws IOException {
        HubCache cache = new HubCache(folder);
        Path main = snapshot(cache, HubName.parse("owner/tiny-bert"), COMMIT);
        String other = COMMIT.replace('0', 'f');
        Path tagged = snapshot(new HubCache(folder.resolve("b")), HubName.parse("owner/tiny-bert@refs/pr/3"), other);
        assertEquals(main, ModelPath.resolve(Path.of("owner/tiny-bert"), cache));
        assertEquals(main, ModelPath.resolve(Path.of("owner/tiny-bert@" + COMMIT), cache));
        assertEquals(tagged, ModelPath.resolve(Path.of("owner/tiny-bert@refs/pr/3"), new HubCache(folder.resolve("b"))));
        assertNull(cache.find(HubName.parse("owner/tiny-bert@v2")));
        assertNull(cache.find(HubName.parse("owner/tiny-bert@" + other)));
        try (EmbeddingModel model = EmbeddingModel.load(ModelPath.resolve(Path.of("owner/tiny-bert"), cache))) {
            assertEquals(40, model.dimension());
        }
    }

    @Test
    void whatIsNotThereSaysHowToGetIt() {
        WeightException e = assertThrows(WeightException.class, () -> ModelPath.resolve(Path.of("owner/none@v1"), new HubCache(folder)));
        assertTrue(e.getMessage().contains("no model of this name is in " + folder)
                && e.getMessage().contains("gatun pull owner/none --revision v1"),
                e.getMessage());
        for (String path : List.of("none", "a/b/c", "../x", "/abs/path", "./x", "C:\\x", "owner/..", "owner/a--b", "owner/a@../b")) {
            assertEquals(Path.of(path), ModelPath.resolve(Path.of(path), new HubCache(folder)));
        }
    }

    @Test
    void pathsComeBeforeNames() throws IOException {
        Path own = Files.createDirectories(folder.resolve("own/model"));
        assertEquals(own, ModelPath.resolve(own, new HubCache(folder)));
    }

    @Test
    void namesAndRevisionsCannotLeaveTheCache() throws IOException {
        for (String name : List.of("..", "a/..", "a/b/c", "", "/a", "a/", "a b/c", "-a/b")) {
            assertThrows(IllegalArgumentException.class, () -> new HubName(name, "main"), name);
            assertFalse(HubName.looksLike(name), name);
        }
        for (String revision : List.of("", "..", "a/../b", "/a", "a//b")) {
            assertThrows(IllegalArgumentException.class, () -> new HubName("a/b", revision), revision);
        }
        HubName name = HubName.parse("a/b");
        Files.createDirectories(new HubCache(folder).repository(name).resolve("refs"));
        Files.writeString(new HubCache(folder).repository(name).resolve("refs/main"), "../../../..");
        assertNull(new HubCache(folder).find(name));
    }
}
