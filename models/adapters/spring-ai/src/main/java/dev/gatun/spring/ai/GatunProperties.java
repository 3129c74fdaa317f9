package dev.gatun.spring.ai;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * What {@code application.properties} says about the embedding model.
 *
 * @param model      its folder, or an ONNX file beside a tokenizer.json; without it there is no model
 * @param threads    cores to use; null: all that the process may use
 * @param maxTokens  longer texts are cut; null: as the folder says
 * @param dimensions elements of a vector that are kept; null: as the folder says, or all
 */
@ConfigurationProperties("gatun.embedding")
public record GatunProperties(Path model, Integer threads, Integer maxTokens, Integer dimensions) {
}
