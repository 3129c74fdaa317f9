package dev.gatun.models.task.embed;

import dev.gatun.models.checkpoint.sentence.SentenceFolder;
import dev.gatun.models.tokenize.TextTokenizer;
import java.util.HashMap;
import java.util.Map;

/** What a folder has put before its texts, by name. */
final class Prompts {
    private final Map<String, Prompt> named = new HashMap<>();
    private final SentenceFolder folder;
    private final Prompt usual;

    /**
     * What is put before a text.
     *
     * @param text   empty for nothing
     * @param tokens of it that are not pooled, the special ones before it included
     */
    record Prompt(String text, int tokens) {
    }

    /**
     * @param skips whether the tokens of a prompt are left out of pooling
     * @throws IllegalArgumentException if the folder's default prompt is none of its prompts
     */
    Prompts(SentenceFolder folder, TextTokenizer tokenizer, boolean skips) {
        this.folder = folder;
        folder.prompts().forEach((name, text) -> named.put(name,
                new Prompt(text, skips && !text.isEmpty() ? tokenizer.promptTokens(text) : 0)));
        this.usual = folder.defaultPrompt() == null ? new Prompt("", 0) : of(folder.defaultPrompt());
    }

    /** The folder's default one, or nothing. */
    Prompt usual() {
        return usual;
    }

    /** The first of these names that the folder has, else {@link #usual}. */
    Prompt firstOf(String... names) {
        for (String name : names) {
            if (named.containsKey(name)) {
                return named.get(name);
            }
        }
        return usual;
    }

    private Prompt of(String name) {
        Prompt prompt = named.get(name);
        if (prompt == null) {
            throw new IllegalArgumentException("the folder has no prompt " + name + ", only " + folder.prompts().keySet());
        }
        return prompt;
    }
}
