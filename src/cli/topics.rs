//! Owns the command `vigie topics`: makes the topics as the service needs them, and says what is not as it should be.

use clap::Subcommand;

use super::CliError;
use super::config::{KafkaArguments, KafkaConfig};
use crate::io::kafka::topics::{self, Made, Role, TopicPlan};

/// Partitions at most: more make every member slower, and none faster.
const PARTITIONS_MAX: i64 = 1024;
/// Copies at most.
const REPLICATION_MAX: i64 = 16;

/// Makes the topics, or checks them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie topics create --brokers kafka:9092 --partitions 12 --replication 3\n  \
    vigie topics check --config vigie.toml")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes the topics that are not there; those that are there are left as they are.
    Create(CreateArguments),
    /// Says what is not as it should be, and how to mend it; exit code 1 where there is something.
    Check(KafkaArguments),
}

#[derive(Debug, clap::Args)]
struct CreateArguments {
    /// Partitions of every topic: as many shards. They cannot be changed later.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=PARTITIONS_MAX))]
    partitions: u32,
    /// Copies of every record: 3 for what must survive a broker, 1 for a trial on one broker.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=REPLICATION_MAX))]
    replication: u32,
    #[command(flatten)]
    kafka: KafkaArguments,
}

/// Runs the command.
///
/// # Errors
/// When Kafka cannot be used, or a check finds something.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    match &arguments.action {
        Action::Create(arguments) => create(arguments),
        Action::Check(arguments) => check(arguments),
    }
}

fn create(arguments: &CreateArguments) -> Result<(), CliError> {
    let config = KafkaConfig::read(&arguments.kafka)?;
    let settings = config.reach("topics", 0);
    let made = topics::create(&settings, &plans(&config), arguments.partitions, arguments.replication)
        .map_err(|error| CliError::Failed(error.to_string()))?;
    for (name, made) in made {
        match made {
            Made::New => println!("{name}: made, with {} partitions", arguments.partitions),
            Made::Kept => println!("{name}: is there already, and is left as it is"),
        }
    }
    Ok(())
}

fn check(arguments: &KafkaArguments) -> Result<(), CliError> {
    let config = KafkaConfig::read(arguments)?;
    let plans = plans(&config);
    let findings =
        topics::check(&config.reach("topics", 0), &plans).map_err(|error| CliError::Failed(error.to_string()))?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("{} topics are as they should be", plans.len());
            Ok(())
        }
        count => Err(CliError::Failed(format!("{count} things are not as they should be"))),
    }
}

/// The topics and what each is for.
fn plans(config: &KafkaConfig) -> Vec<TopicPlan> {
    let topics = &config.topics;
    let plan = |name: &String, role| TopicPlan { name: name.clone(), role };
    let mut plans: Vec<TopicPlan> = topics.inputs.iter().map(|input| plan(&input.name, Role::Input)).collect();
    let outputs = [&topics.alerts, &topics.limit_proposals, &topics.limit_changes, &topics.order_decisions];
    plans.extend(outputs.map(|name| plan(name, Role::Output)));
    plans.push(plan(&topics.exposures, Role::Exposures));
    plans.push(plan(&topics.dead_letters, Role::DeadLetters));
    plans.push(plan(&topics.journal, Role::Journal));
    plans
}
