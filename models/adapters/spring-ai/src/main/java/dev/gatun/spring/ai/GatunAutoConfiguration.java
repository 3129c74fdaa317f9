package dev.gatun.spring.ai;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.EmbeddingOptions;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/** An {@code EmbeddingModel} where {@code gatun.embedding.model} names a folder and the application has none of its own. */
@AutoConfiguration
@EnableConfigurationProperties(GatunProperties.class)
public class GatunAutoConfiguration {
    /** The model; the context closes it. */
    @Bean(destroyMethod = "close")
    @ConditionalOnProperty("gatun.embedding.model")
    @ConditionalOnMissingBean(org.springframework.ai.embedding.EmbeddingModel.class)
    public GatunEmbeddingModel gatunEmbeddingModel(GatunProperties properties) {
        EmbeddingOptions options = EmbeddingOptions.defaults();
        options = properties.threads() == null ? options : options.withThreads(properties.threads());
        options = properties.maxTokens() == null ? options : options.withMaxTokens(properties.maxTokens());
        options = properties.dimensions() == null ? options : options.withDimension(properties.dimensions());
        String name = String.valueOf(properties.model().toAbsolutePath().getFileName());
        return new GatunEmbeddingModel(EmbeddingModel.load(properties.model(), options), name);
    }
}
