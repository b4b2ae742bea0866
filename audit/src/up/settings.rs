//! The services' configurations, made from the data directory and the engines' addresses.

use std::{net::SocketAddr, path::PathBuf};

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
use aal_service::{HttpConfig, logging::LogConfig};
use aal_store::StoreConfig;

use crate::up::layout::{EDGE_KEY_NAME, Layout, ORIGIN};

/// What the services' configurations are made of.
#[derive(Debug, Clone)]
pub struct Settings {
    pub layout: Layout,
    /// Bootstrap servers.
    pub kafka: String,
    /// Whether the broker is this process's own, so that no other processor consumes from it.
    pub own_broker: bool,
    pub clickhouse: SocketAddr,
    pub clickhouse_password: String,
    pub console: SocketAddr,
    pub edge: SocketAddr,
    /// Providers of the gateway besides the well-known ones: name and address.
    pub gateway_upstreams: Vec<(String, String)>,
    /// Address of the schema registry.
    pub schema_registry: Option<String>,
    pub console_dir: Option<PathBuf>,
    pub epoch_ms: u64,
    pub erasure_settle_ms: u64,
    pub first_shard: u32,
}

fn http(listen: SocketAddr) -> HttpConfig {
    HttpConfig {
        listen,
        ..HttpConfig::default()
    }
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl Settings {
    pub fn kafka(&self) -> KafkaConfig {
        KafkaConfig::new(self.kafka.clone())
    }

    pub fn store(&self) -> StoreConfig {
        StoreConfig {
            url: format!("http://{}", self.clickhouse),
            database: "audit".to_owned(),
            user: Some("default".to_owned()),
            password: Some(self.clickhouse_password.clone()),
            timeout_ms: 30_000,
        }
    }

    pub fn control(&self) -> ControlConfig {
        ControlConfig {
            url: self.layout.control_url(),
            ..ControlConfig::default()
        }
    }

    pub fn ingest(&self) -> ingest::Config {
        let mut config = ingest::Config::new(self.kafka(), self.control(), self.layout.key_file());
        config.http = http(self.edge);
        config.receipt.key_name = EDGE_KEY_NAME.to_owned();
        config.gateway = Some(self.gateway());
        config
    }

    fn gateway(&self) -> ingest::GatewayConfig {
        let mut gateway = ingest::GatewayConfig::default();
        gateway.spool.directory = self.layout.gateway_spool();
        // All services have three seconds to stop.
        gateway.timeouts.drain_ms = 1_500;
        for (name, url) in &self.gateway_upstreams {
            let upstream = ingest::UpstreamConfig {
                url: url.clone(),
                provider: None,
                sign: None,
            };
            gateway.upstreams.insert(name.clone(), upstream);
        }
        gateway
    }

    pub fn processor(&self) -> processor::Config {
        let assignment = if self.own_broker {
            processor::Assignment::All
        } else {
            processor::Assignment::Group
        };
        processor::Config {
            kafka: self.kafka(),
            store: self.store(),
            control: self.control(),
            keys: processor::KeysConfig::at(self.layout.key_file()),
            registry: self.schema_registry.clone().map(processor::RegistryConfig::at),
            processor: processor::ProcessorConfig {
                assignment,
                first_shard: self.first_shard,
                ..Default::default()
            },
            operations: None,
            log: LogConfig::default(),
        }
    }

    pub fn sealer(&self) -> aal_sealer::Config {
        aal_sealer::Config {
            kafka: self.kafka(),
            store: self.store(),
            control: self.control(),
            anchor: aal_sealer::AnchorConfig::at(self.layout.anchor_url()),
            key: aal_sealer::KeyConfig {
                file: self.layout.sealer_key_file(),
                ml_dsa_44_file: Some(self.layout.sealer_ml_dsa_key_file()),
            },
            witnesses: Some(aal_sealer::WitnessConfig::default()),
            timestamps: Vec::new(),
            sealer: aal_sealer::SealerConfig {
                origin: ORIGIN.to_owned(),
                policy: Some(self.layout.policy_file()),
                interval_ms: self.epoch_ms,
                ..Default::default()
            },
            operations: None,
            log: LogConfig::default(),
        }
    }

    pub fn readback(&self) -> aal_readback::Config {
        aal_readback::Config {
            kafka: self.kafka(),
            store: self.store(),
            anchor: aal_service::objects::ObjectsConfig::at(self.layout.anchor_url()),
            readback: aal_readback::ReadbackConfig {
                policy: Some(self.layout.policy_file()),
                ..Default::default()
            },
            operations: None,
            log: LogConfig::default(),
        }
    }

    pub fn query_api(&self) -> query_api::Config {
        query_api::Config {
            http: http(self.console),
            operations: Some(http(any_port())),
            store: self.store(),
            control: self.control(),
            kafka: self.kafka(),
            keys: query_api::KeysConfig::at(self.layout.key_file()),
            reports: query_api::ObjectsConfig::at(self.layout.objects_url()),
            anchors: query_api::ObjectsConfig::at(self.layout.anchor_url()),
            ledger: query_api::LedgerConfig::default(),
            erasure: query_api::ErasureConfig {
                settle_ms: self.erasure_settle_ms,
                ..query_api::ErasureConfig::default()
            },
            trust: Some(query_api::TrustConfig {
                policy: self.layout.policy_file(),
            }),
            console: self
                .console_dir
                .clone()
                .map(|dir| query_api::ConsoleConfig { dir }),
            limits: query_api::Limits::default(),
            log: LogConfig::default(),
        }
    }

    pub fn reporter(&self) -> reporter::Config {
        reporter::Config {
            operations: Some(http(any_port())),
            store: self.store(),
            control: self.control(),
            kafka: self.kafka(),
            reports: reporter::ObjectsConfig::at(self.layout.objects_url()),
            anchors: Some(reporter::ObjectsConfig::at(self.layout.anchor_url())),
            worker: reporter::WorkerConfig::default(),
            limits: reporter::Limits::default(),
            pdf: reporter::PdfConfig::default(),
            log: LogConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde::de::DeserializeOwned;

    fn parses<Config: DeserializeOwned>(name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../docs/config")
            .join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let none = std::iter::empty::<(String, String)>();
        aal_service::config::parse::<Config>(&text, &path, none)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    #[test]
    fn the_documented_configurations_are_accepted() {
        parses::<ingest::Config>("ingest.toml");
        parses::<ingest::GatewayProgramConfig>("gateway.toml");
        parses::<processor::Config>("processor.toml");
        parses::<aal_sealer::Config>("sealer.toml");
        parses::<query_api::Config>("query-api.toml");
        parses::<reporter::Config>("reporter.toml");
        parses::<aal_readback::Config>("readback.toml");
    }
}
