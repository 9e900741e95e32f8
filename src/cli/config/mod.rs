//! Owns the configuration of the commands that use Kafka: read as text from everywhere, then checked, once.
//!
//! Nothing after this reads a file of settings or the environment. What changes results is in the params; what is here
//! changes where things lie and how fast they go.

mod arguments;
mod kafka;
mod run;
mod serve;
mod settings;
#[cfg(test)]
mod tests;

pub use self::arguments::{KafkaArguments, RunArguments};
pub use self::kafka::{InputTopic, KafkaConfig, TopicNames, WhenUnavailable};
pub use self::run::RunConfig;
pub use self::serve::{ServeArguments, ServeConfig};
pub use self::settings::DOCUMENTED;
